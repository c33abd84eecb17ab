"""Finding tasks by state, queue, name and time.

Ended tasks come from the result backend, page by page, those that ended last first. What waits or runs is read from the
queues and from what workers say, at the head of the first page; as much of it as fits there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from stem_core.client.liveness import seen_workers
from stem_core.client.lookup import status_of_place
from stem_core.delivery import EndedRange
from stem_core.errors import EnvelopeInvalidError, RecordInvalidError, UsageError
from stem_core.results import TaskStatus, status_of_record
from stem_core.states import TERMINAL, TaskState
from stem_core.stores.port import Broker, ResultBackend

_PAGES_AT_MOST: Final = 20
"""Pages of the store that one page looks through for tasks that match."""


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks are wanted. What is None matches all.

    Args:
        states: In one of these states.
        queues: Of these queues.
        task: Task name, `*` and `?` allowed.
        since: Ended at this time or later, in epoch seconds; leaves out what has not ended.
        until: Ended before this time; leaves out what has not ended.
    """

    states: frozenset[TaskState] | None = None
    queues: tuple[str, ...] | None = None
    task: str | None = None
    since: float | None = None
    until: float | None = None

    def matches(self, status: TaskStatus) -> bool:
        """Return whether a task is wanted, as far as its state and name say."""
        if self.states is not None and status.state not in self.states:
            return False
        return self.task is None or fnmatchcase(status.name, self.task)

    @property
    def wants_ended(self) -> bool:
        """Whether an ended task could match."""
        return self.states is None or bool(self.states & TERMINAL)

    @property
    def wants_live(self) -> bool:
        """Whether a task that has not ended could match."""
        at_any_time = self.since is None and self.until is None
        return at_any_time and (self.states is None or bool(self.states - TERMINAL))


async def list_tasks(
    broker: Broker, backend: ResultBackend, wanted: TaskFilter, limit: int, cursor: str = ""
) -> tuple[list[TaskStatus], str]:
    """Return tasks, and the cursor of the next page ("" at the end).

    Args:
        broker: Where tasks wait.
        backend: Where their results are.
        wanted: Which tasks.
        limit: Tasks on one page, at most; a page may hold fewer before the end.
        cursor: Where the page before ended. The first page begins with tasks that have not ended.

    Raises:
        UsageError: The cursor is of no page.
    """
    backends = [backend] if backend.location == broker.location else [backend, broker.results()]
    number, _, inner = cursor.partition(" ")
    if cursor and not (number.isdecimal() and int(number) < len(backends)):
        raise UsageError(f"the cursor {cursor!r} is of no page", "take it from the page before")
    found = await _live(broker, wanted, limit) if not cursor and wanted.wants_live else []
    if not wanted.wants_ended:
        return found, ""
    if len(found) == limit:
        return found, "0 "
    position = int(number or 0)
    ended, inner = await _ended(backends[position], wanted, limit - len(found), inner)
    if not inner and position + 1 < len(backends):
        return found + ended, f"{position + 1} "
    return found + ended, f"{position} {inner}" if inner else ""


async def _ended(backend: ResultBackend, wanted: TaskFilter, limit: int, cursor: str) -> tuple[list[TaskStatus], str]:
    span = EndedRange(queues=wanted.queues, since=wanted.since, until=wanted.until)
    found: list[TaskStatus] = []
    for _ in range(_PAGES_AT_MOST):
        records, cursor = await backend.ended(span, limit - len(found), cursor)
        found += filter(wanted.matches, _statuses(records))
        if not cursor or len(found) > limit // 2:  # what would follow might be more than fits
            break
    return found, cursor


def _statuses(records: Iterable[bytes]) -> list[TaskStatus]:
    found = []
    for record in records:
        with suppress(RecordInvalidError):  # another program's record must not hide the rest
            found.append(status_of_record(record))
    return found


async def _live(broker: Broker, wanted: TaskFilter, limit: int) -> list[TaskStatus]:
    workers = seen_workers(await broker.presences())
    queues: Sequence[str] = await broker.queues() if wanted.queues is None else wanted.queues
    running = [task.id for worker in workers for task in worker.snapshot.running if task.queue in queues]
    places = [place for place in await broker.locate(running) if place is not None] if running else []
    for queue in queues:
        places += await broker.waiting(queue, limit)
    found = []
    # What a worker that fell silent ran may wait again while the worker is still seen.
    for place in {place.id: place for place in places}.values():
        with suppress(EnvelopeInvalidError):
            status = status_of_place(place, workers if place.where == "inflight" else ())
            if wanted.matches(status):
                found.append(status)
    return found[:limit]
