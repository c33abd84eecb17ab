"""Tasks that were seen in events: a bounded book of them with their timelines."""

from __future__ import annotations

from itertools import islice
from typing import Final

import msgspec

from stem_core.results import TaskStatus
from stem_core.states import TaskState
from stem_tui.store.clean import clean

MAX_TASKS: Final = 5000
MAX_FAILED: Final = 1000
MAX_MARKS: Final = 40


class Mark(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened to a task. `at` is epoch seconds by the clock of whoever it happened to.

    Args:
        at: When.
        word: What: `enqueued`, `received`, `started`, `succeeded`, `failed`, `retry`, `revoked`.
        attempt: Number of the run, from 0.
        worker: Where.
        runtime: Seconds that the run took, None if it has not ended.
        detail: The error, the reason, or the delay.
    """

    at: float
    word: str
    attempt: int
    worker: str
    runtime: float | None = None
    detail: str = ""


class TaskEntry:
    """A task as its events tell of it.

    Attributes:
        id: Task id, as commands need it.
        name: Task name.
        queue: Queue.
        state: Where it stands by the last event.
        attempt: Number of the last run.
        worker: Who had it last.
        at: When the last event happened, epoch seconds.
        runtime: Seconds the last run took, None if not known.
        detail: Error or reason.
        marks: Its timeline, oldest first.
        cut: Whether the middle of a long timeline was left out.
    """

    __slots__ = ("at", "attempt", "cut", "detail", "id", "marks", "name", "queue", "runtime", "state", "worker")

    def __init__(self, task_id: str, name: str, queue: str) -> None:
        self.id = task_id
        self.name = name
        self.queue = queue
        self.state = TaskState.QUEUED
        self.attempt = 0
        self.worker = ""
        self.at = 0.0
        self.runtime: float | None = None
        self.detail = ""
        self.marks: list[Mark] = []
        self.cut = False

    def add(self, mark: Mark, state: TaskState) -> None:
        """Take the next event."""
        marks = self.marks
        if len(marks) >= MAX_MARKS:
            del marks[MAX_MARKS // 2]
            self.cut = True
        marks.append(mark)
        if mark.at < self.at and self.state.is_terminal:
            return  # a straggler from another process's frame does not undo an end
        self.state = state
        self.at = mark.at
        self.attempt = mark.attempt
        self.worker = mark.worker or self.worker
        self.runtime = mark.runtime
        self.detail = mark.detail


class TaskBook:
    """The tasks seen last. Failed ones are kept longer than the rest.

    Args:
        limit: How many tasks to keep that have not failed.
        failed_limit: How many to keep that have.
    """

    def __init__(self, limit: int = MAX_TASKS, failed_limit: int = MAX_FAILED) -> None:
        self._limit = limit
        self._failed_limit = failed_limit
        self._tasks: dict[str, TaskEntry] = {}
        self._failed: dict[str, TaskEntry] = {}
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._tasks) + len(self._failed)

    def get(self, task_id: str) -> TaskEntry | None:
        """Return a task, or None if it was not seen, or forgotten."""
        return self._tasks.get(task_id) or self._failed.get(task_id)

    def has_ended(self, task_id: str) -> bool:
        """Whether a task is known to have ended."""
        task = self.get(task_id)
        return task is not None and task.state.is_terminal

    def all(self) -> list[TaskEntry]:
        """Return all tasks, in no order."""
        return [*self._tasks.values(), *self._failed.values()]

    def of_queue(self, queue: str, limit: int) -> list[TaskEntry]:
        """Return the newest tasks of a queue: at most `limit` that failed, and as many that did not."""
        chosen: list[TaskEntry] = []
        for tasks in (self._tasks, self._failed):
            newest = (task for task in reversed(tasks.values()) if task.queue == queue)
            chosen += islice(newest, limit)
        return chosen

    def record(self, task_id: str, name: str, queue: str, mark: Mark, state: TaskState) -> None:
        """Take an event of a task."""
        task = self._tasks.get(task_id)
        if task is None:
            task = self._failed.pop(task_id, None) or TaskEntry(task_id, name, queue)
            self._tasks[task_id] = task
            if len(self._tasks) > self._limit:
                self._forget(self._tasks)
        task.add(mark, state)
        if task.state is TaskState.FAILED:
            self._failed[task_id] = self._tasks.pop(task_id)
            if len(self._failed) > self._failed_limit:
                self._forget(self._failed)

    def settle(self, status: TaskStatus) -> None:
        """Take the store's word on where a task stands."""
        task = self.get(status.id)
        if task is None:
            task = self._tasks[status.id] = TaskEntry(status.id, clean(status.name), clean(status.queue))
            if len(self._tasks) > self._limit:
                self._forget(self._tasks)
        task.state = status.state
        task.attempt = status.attempt
        task.worker = clean(status.worker) or task.worker
        task.at = max(task.at, status.finished_at or status.started_at or status.enqueued_at or 0.0)

    def _forget(self, tasks: dict[str, TaskEntry]) -> None:
        del tasks[next(iter(tasks))]
        self.forgotten += 1
