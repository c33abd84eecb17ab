"""How the runs of each task ended lately, as far as events told: which fail, how often, and why."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Final, NamedTuple

from stem_core import events as ev
from stem_tui.store.causes import alike
from stem_tui.store.clean import clean, span

SPAN: Final = 600.0
"""Seconds that are looked back."""
MAX_TASKS: Final = 500
_BUCKET: Final = 30.0
_ERRORS_KEPT: Final = 20


class Outcomes(NamedTuple):
    """Runs that ended: well, for good without success, to be repeated; and the seconds that all of them took."""

    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    seconds: float = 0.0

    @property
    def runs(self) -> int:
        """How many ended."""
        return self.succeeded + self.failed + self.retried

    @property
    def errors(self) -> float:
        """Percentage of them that ended without success."""
        return 100.0 * (self.failed + self.retried) / self.runs if self.runs else 0.0

    def plus(self, other: Outcomes) -> Outcomes:
        """Return both together."""
        return Outcomes(
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.retried + other.retried,
            self.seconds + other.seconds,
        )


class TaskOutcomes:
    """How the runs of one task in one queue ended.

    Attributes:
        key: Tells it from others.
        name: Task name, harmless.
        queue: Its queue, as commands need it.
        label: The same, harmless.
        failed_at: When a run last ended without success, by the console's monotonic clock; None if none did.
        example: Id of the task that did so last, or else of the one that ended last.
    """

    __slots__ = ("_buckets", "_errors", "_why", "example", "failed_at", "key", "label", "name", "queue")

    def __init__(self, key: str, name: str, queue: str) -> None:
        self.key = key
        self.name = clean(name)
        self.queue = queue
        self.label = clean(queue)
        self.failed_at: float | None = None
        self.example = ""
        self._buckets: deque[tuple[int, Outcomes]] = deque(maxlen=int(SPAN / _BUCKET) + 1)
        self._errors: deque[str] = deque(maxlen=_ERRORS_KEPT)
        self._why: str | None = ""

    def add(self, outcome: Outcomes, now: float) -> None:
        """Count a run."""
        bucket = int(now // _BUCKET)
        if self._buckets and self._buckets[-1][0] == bucket:
            self._buckets[-1] = (bucket, self._buckets[-1][1].plus(outcome))
        else:
            self._buckets.append((bucket, outcome))

    def fail(self, task_id: str, error: str, now: float) -> None:
        """Note why a run ended without success."""
        self.failed_at, self.example = now, task_id
        self._errors.append(error)
        self._why = None

    def lately(self, now: float) -> Outcomes:
        """Return how runs ended in the last ten minutes."""
        first = int((now - SPAN) // _BUCKET)
        total = Outcomes()
        for bucket, outcomes in self._buckets:
            if bucket > first:
                total = total.plus(outcomes)
        return total

    @property
    def why(self) -> str:
        """The error that is the most frequent among the last ones, without what differs each time."""
        if self._why is None:
            self._why = Counter(map(alike, self._errors)).most_common(1)[0][0]
        return self._why


def _succeeded(event: ev.TaskSucceeded) -> tuple[Outcomes, str | None]:
    return Outcomes(succeeded=1, seconds=span(event.runtime)), None


def _failed(event: ev.TaskFailed) -> tuple[Outcomes, str | None]:
    return Outcomes(failed=1, seconds=span(event.runtime)), event.error or event.reason


def _retried(event: ev.TaskRetry) -> tuple[Outcomes, str | None]:
    return Outcomes(retried=1, seconds=span(event.runtime)), event.error


_ENDS: Final[dict[type, Callable[..., tuple[Outcomes, str | None]]]] = {
    ev.TaskSucceeded: _succeeded,
    ev.TaskFailed: _failed,
    ev.TaskRetry: _retried,
}


class OutcomeBook:
    """Tasks by name and queue, those that ended last; bounded.

    Args:
        limit: How many to keep.
    """

    def __init__(self, limit: int = MAX_TASKS) -> None:
        self._limit = limit
        self._tasks: dict[str, TaskOutcomes] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def all(self) -> list[TaskOutcomes]:
        """Return all, in no order."""
        return list(self._tasks.values())

    def find(self, key: str) -> TaskOutcomes | None:
        """Return that one, or None if it is not known."""
        return self._tasks.get(key)

    def take(self, event: ev.Event, now: float) -> None:
        """Count what an event tells, if it tells of an end."""
        end = _ENDS.get(type(event))
        if end is None or not isinstance(event, ev.TaskSucceeded | ev.TaskFailed | ev.TaskRetry):
            return
        key = f"{event.queue}\n{event.task}"
        task = self._tasks.pop(key, None) or TaskOutcomes(key, event.task, event.queue)
        self._tasks[key] = task  # the last to be forgotten
        if len(self._tasks) > self._limit:
            del self._tasks[next(iter(self._tasks))]
        outcome, error = end(event)
        task.add(outcome, now)
        if error is not None:
            task.fail(event.id, error, now)
        elif task.failed_at is None:
            task.example = event.id

    def worst(self, queue: str, now: float, within: float) -> TaskOutcomes | None:
        """Return the task of a queue most of whose runs failed, of those that failed within so many seconds."""
        failing = [
            task
            for task in self._tasks.values()
            if task.queue == queue and task.failed_at is not None and now - task.failed_at <= within
        ]
        return max(failing, key=lambda task: _bad(task.lately(now)), default=None)


def _bad(outcomes: Outcomes) -> int:
    return outcomes.failed + outcomes.retried
