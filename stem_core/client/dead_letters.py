"""What an operator does with dead letters: look, replay, purge; one, many, or all that match.

A bulk operation works on the letters that matched when it began, so that none is done twice, and none that came later
is touched unseen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

import msgspec

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.delivery import DeadLetter
from stem_core.envelope import Envelope, unseal
from stem_core.errors import EnvelopeInvalidError, UsageError
from stem_core.stores.port import Broker

_PAGE: Final = 500
_CHUNK: Final = 100
_TICK: Final = 0.1
"""Seconds between two steps of a replay at a rate."""

OnDone: TypeAlias = Callable[[int, int], None]
"""Called with how many letters are done, and how many there are in all."""


class LetterFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters are meant. What is None matches all.

    Args:
        queues: In these queues.
        ids: Of these tasks.
        task: Task name, `*` and `?` allowed.
        reason: Why they are dead, such as `poison`.
        error: Text that their error contains.
        since: Dead at this time or later, in epoch seconds by the store's clock.
        until: Dead before this time.
    """

    queues: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    task: str | None = None
    reason: str | None = None
    error: str | None = None
    since: float | None = None
    until: float | None = None

    def matches(self, letter: Letter) -> bool:
        """Return whether a letter is meant, as far as its content says."""
        dead = letter.dead
        if self.task is not None and not fnmatchcase(letter.task or "", self.task):
            return False
        if self.reason is not None and dead.reason != self.reason:
            return False
        if self.error is not None and self.error not in dead.error:
            return False
        return (self.since is None or dead.died_at >= self.since) and (self.until is None or dead.died_at < self.until)


class Letter(msgspec.Struct, frozen=True):
    """A dead letter, and its envelope if its bytes are one."""

    dead: DeadLetter
    envelope: Envelope | None

    @property
    def task(self) -> str | None:
        """Task name, None if the bytes are no envelope, which may well be why it is dead."""
        return None if self.envelope is None else self.envelope.name


class DeadLetters:
    """The dead letters of one namespace.

    Args:
        broker: Their broker.
        clock: Paces a replay at a rate.
    """

    def __init__(self, broker: Broker, clock: Clock = SYSTEM_CLOCK) -> None:
        self._broker = broker
        self._clock = clock

    async def page(self, wanted: LetterFilter, limit: int = 50, cursor: str = "") -> tuple[list[Letter], str]:
        """Return letters queue by queue, newest first in each, and the cursor of the next page ("" at the end).

        A page holds at most `limit`, and may hold fewer before the end.

        Raises:
            UsageError: The cursor is none of a page of these queues.
        """
        queues = await self._queues(wanted)
        name, _, inner = cursor.partition(" ")
        if name and name not in queues:
            raise UsageError(f"the cursor {cursor!r} is of no page of these queues", "take it from the page before")
        found: list[Letter] = []
        for queue in queues[queues.index(name) if name else 0 :]:
            while True:
                if len(found) > limit // 2:  # what would follow might be more than fits
                    return found, f"{queue} {inner}"
                letters, inner = await self._read(queue, wanted, limit - len(found), inner)
                found += letters
                if not inner:
                    break
        return found, ""

    async def find(self, task_id: str) -> Letter | None:
        """Return the dead letter of a task, or None."""
        async for letter in self.matching(LetterFilter(ids=(task_id,))):
            return letter
        return None

    async def matching(self, wanted: LetterFilter) -> AsyncIterator[Letter]:
        """Yield all letters that match."""
        for queue in await self._queues(wanted):
            cursor, more = "", True
            while more:
                letters, cursor = await self._read(queue, wanted, _PAGE, cursor)
                for letter in letters:
                    yield letter
                more = bool(cursor)

    async def replay(
        self,
        wanted: LetterFilter,
        *,
        rate: float | None = None,
        limit: int | None = None,
        on_done: OnDone | None = None,
    ) -> int:
        """Make the letters that match ready again, each in one atomic step, oldest first.

        Args:
            wanted: Which letters.
            rate: At most so many a second; None for as fast as it goes.
            limit: At most so many in all, the newest of them.
            on_done: Called after each step.

        Returns:
            How many were replayed: those that someone else took away meanwhile are not.
        """
        if rate is not None and not rate > 0:
            raise UsageError(f"the rate is {rate}", "give how many a second, more than 0")
        return await self._in_steps(await self.places(wanted, limit), self._broker.replay, rate, on_done)

    async def purge(self, wanted: LetterFilter, *, limit: int | None = None, on_done: OnDone | None = None) -> int:
        """Delete the letters that match for good; returns how many were."""
        return await self._in_steps(await self.places(wanted, limit), self._broker.purge, None, on_done)

    async def places(self, wanted: LetterFilter, limit: int | None = None) -> list[tuple[str, str]]:
        """Return queue and id of what matches, oldest first in each queue: what a bulk operation would work on."""
        found: list[tuple[str, str]] = []
        async for letter in self.matching(wanted):
            if limit is not None and len(found) == limit:
                break
            found.append((letter.dead.queue, letter.dead.id))
        return found[::-1]

    async def _in_steps(
        self,
        places: Sequence[tuple[str, str]],
        step: Callable[[str, Sequence[str]], Awaitable[int]],
        rate: float | None,
        on_done: OnDone | None,
    ) -> int:
        size = _CHUNK if rate is None else max(1, min(_CHUNK, round(rate * _TICK)))
        began = self._clock.monotonic()
        done = changed = 0
        while done < len(places):
            queue = places[done][0]
            ids = [task_id for name, task_id in places[done : done + size] if name == queue]
            changed += await step(queue, ids)
            done += len(ids)
            if on_done is not None:
                on_done(done, len(places))
            if rate is not None and done < len(places):
                await self._clock.sleep(max(0.0, began + done / rate - self._clock.monotonic()))
        return changed

    async def _queues(self, wanted: LetterFilter) -> list[str]:
        return await self._broker.queues() if wanted.queues is None else list(dict.fromkeys(wanted.queues))

    async def _read(self, queue: str, wanted: LetterFilter, limit: int, cursor: str) -> tuple[list[Letter], str]:
        if wanted.ids is None:
            dead, cursor = await self._broker.dead(queue, limit, cursor)
        else:
            dead = [found for found in await self._broker.letters(queue, wanted.ids) if found is not None]
        return [letter for letter in map(_opened, dead) if wanted.matches(letter)], cursor


def _opened(dead: DeadLetter) -> Letter:
    try:
        return Letter(dead, unseal(dead.body))
    except EnvelopeInvalidError:
        return Letter(dead, None)
