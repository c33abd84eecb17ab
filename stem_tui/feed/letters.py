"""Reading dead letters: the newest first, a page at a time, and again when their number changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from stem_core.client import ClusterClient
from stem_core.client.dead_letters import DeadLetters, LetterFilter
from stem_core.clock import Clock
from stem_core.results import TaskError, TaskStatus
from stem_core.states import TaskState
from stem_tui.feed.patience import in_time
from stem_tui.store import ClusterModel, LetterBook, LetterEntry, letter_key
from stem_tui.store.letters import entry_of, key_of

LOOK_EVERY: Final = 1.0
REREAD_AFTER: Final = 30.0
"""Seconds after which letters are read again though their number did not change: some may have been exchanged."""
_PAGE: Final = 100
_BREATHS: Final = 10.0
"""Reading takes at most one part in so many of the time, however many letters there are."""


class LetterReader:
    """Reads the letters that are looked at into the model.

    Args:
        model: What is fed.
        clock: Tells how old it is.
    """

    def __init__(self, model: ClusterModel, clock: Clock) -> None:
        self._model = model
        self._clock = clock
        self._seen: object = None
        self._next = 0.0

    def refresh(self) -> None:
        """Read them anew at the next look."""
        self._seen = None

    async def look(self, cluster: ClusterClient) -> float:
        """Read, if somebody looks and something may have changed; returns after how many seconds to look again."""
        letters, now = self._model.letters, self._clock.monotonic
        queues = letters.watched
        if queues is None or self._model.queues_read_at is None:
            self._seen = None
            return LOOK_EVERY / 4 if queues is not None else LOOK_EVERY
        counts = self._counts(queues)
        seen = (queues, letters.limit, counts)
        if seen == self._seen and now() < self._next:
            return LOOK_EVERY
        began = now()
        found, complete = await self._read(cluster.dead_letters, counts)
        took = now() - began
        self._seen, self._next = seen, now() + REREAD_AFTER
        total = len(found) if complete else sum(counts.values())
        letters.take(LetterBook(queues, found.values(), total, now()))
        self._model.touch()
        return max(LOOK_EVERY, took * _BREATHS)

    def _counts(self, queues: tuple[str, ...]) -> dict[str, int]:
        known = self._model.queues
        return {
            name: entry.stats.dead
            for name, entry in known.items()
            if entry.stats.dead and (not queues or name in queues)
        }

    async def _read(self, source: DeadLetters, counts: Mapping[str, int]) -> tuple[dict[str, LetterEntry], bool]:
        """Return letters by their keys, and whether these are all.

        A page of each queue is read, then another of each, until there are enough.
        """
        book, limit = self._model.letters.book, self._model.letters.limit
        known = book.by_key if book is not None else {}
        found: dict[str, LetterEntry] = {}
        cursors = dict.fromkeys(counts, "")
        while cursors and len(found) < limit:
            for queue, cursor in list(cursors.items()):
                wanted = LetterFilter(queues=(queue,))
                page, following = await in_time(source.page(wanted, min(_PAGE, limit - len(found)), cursor))
                for letter in page:
                    key = key_of(letter).text
                    found[key] = known.get(key) or entry_of(letter)
                if following:
                    cursors[queue] = following
                else:
                    del cursors[queue]
                await asyncio.sleep(0)  # keys are handled between two pages, however many there are
                if len(found) >= limit:
                    break
        return found, not cursors


async def letter_of(cluster: ClusterClient, status: TaskStatus) -> LetterEntry | None:
    """Return the dead letter that a task became, or None."""
    if status.state is not TaskState.FAILED or not status.queue:
        return None
    async for letter in cluster.dead_letters.matching(LetterFilter(queues=(status.queue,), ids=(status.id,))):
        return entry_of(letter)
    return None


async def status_of_letter(cluster: ClusterClient, key: str) -> TaskStatus | None:
    """Return what a dead letter itself tells of its task, for when no record of it is kept any more."""
    place = letter_key(key)
    async for letter in cluster.dead_letters.matching(LetterFilter(queues=(place.queue,), ids=(place.id,))):
        if letter.envelope is None:
            return None
        kind, colon, message = letter.dead.error.partition(": ")
        return TaskStatus(
            id=place.id,
            name=letter.envelope.name,
            queue=place.queue,
            state=TaskState.FAILED,
            attempt=letter.dead.attempt,
            args=letter.envelope.args,
            error=TaskError(type=kind if colon else "error", message=message if colon else kind),
            reason=letter.dead.reason,
            deliveries=letter.dead.deliveries,
            enqueued_at=letter.envelope.enqueued_at,
            finished_at=letter.dead.died_at,
            secrets=letter.envelope.secrets,
        )
    return None
