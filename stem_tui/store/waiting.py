"""The tasks that wait in the broker for a worker, as far as a page asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stem_core.results import TaskStatus
from stem_core.states import TaskState
from stem_tui.store.clean import clean


class WaitingTask(NamedTuple):
    """A task that no worker holds. Times are epoch seconds.

    Args:
        id: Task id, as commands need it.
        name: Task name.
        attempt: Number of its next run, from 0.
        state: `queued`, or `retried` if it ran before.
        enqueued_at: When it was sent, None if not known.
        due_at: When it may run at the earliest, None for at once.
    """

    id: str
    name: str
    attempt: int
    state: TaskState
    enqueued_at: float | None
    due_at: float | None


class Waiting(NamedTuple):
    """What waits in one queue, next to run first: the first tasks of possibly many. `read_at` is monotonic."""

    queue: str
    tasks: tuple[WaitingTask, ...]
    read_at: float

    def find(self, task_id: str) -> WaitingTask | None:
        """Return the task of that id, or None."""
        return next((task for task in self.tasks if task.id == task_id), None)


def waiting_of(queue: str, found: Sequence[TaskStatus], now: float) -> Waiting:
    """Return what to keep of the tasks that wait; their arguments are for the task's own page."""
    tasks = (
        WaitingTask(task.id, clean(task.name), task.attempt, task.state, task.enqueued_at, task.due_at)
        for task in found
    )
    return Waiting(queue, tuple(tasks), now)
