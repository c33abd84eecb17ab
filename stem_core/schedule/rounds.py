"""One look at all entries: send what is due, and tell when to look again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from stem_core.durations import format_duration
from stem_core.errors import BrokerFullError
from stem_core.refusals import RefusalLog
from stem_core.schedule.book import Scheduled, Unreadable
from stem_core.schedule.dispatch import CLAIM_LIFE, Dispatcher
from stem_core.schedule.timing import Timing
from stem_core.text import visible

log: Final = logging.getLogger("stem.schedule")

LOOK_AGAIN: Final = 1.0
"""Seconds after which a changed entry is noticed at the latest."""
CORRECTED: Final = 3 * 3_600_000
"""A clock that is set back by more milliseconds was wrong before, as Debian's cron takes it; less is waited for."""
_AT_ONCE: Final = 64
_NEVER: Final = float("inf")


class Rounds:
    """Attends to all entries of a namespace, round by round.

    Args:
        dispatcher: Sends what is due.
        refusals: Is told which entries cannot be read.
    """

    def __init__(self, dispatcher: Dispatcher, refusals: RefusalLog) -> None:
        self._dispatcher = dispatcher
        self._refusals = refusals
        self._timings: dict[str, tuple[int, Timing]] = {}
        self._next: dict[str, tuple[int, int, int | None]] = {}
        self._unreadable: set[Unreadable] = set()
        self._without_room: set[str] = set()

    async def attend(self) -> float:
        """Send what is due.

        Returns:
            Seconds until the next round.

        Raises:
            BrokerError: The broker cannot be reached.
        """
        dispatcher = self._dispatcher
        await dispatcher.broker_clock.synchronise()
        items, unreadable = await dispatcher.book.load()
        self._complain(unreadable)
        self._forget(items)
        items = await self._of_the_present([item for item in items if item.stored.enabled])
        due = [item for item in items if self._wake(item) <= dispatcher.broker_clock.now()]
        wakes = {item.name: self._wake(item) for item in items}
        failures: list[BaseException] = []
        for start in range(0, len(due), _AT_ONCE):
            part = due[start : start + _AT_ONCE]
            answers = await asyncio.gather(
                *(dispatcher.attend(item, self._timing(item)) for item in part), return_exceptions=True
            )
            for item, answer in zip(part, answers, strict=True):
                # What somebody else attends to, or has no room, is looked at again with the next round.
                wakes[item.name] = self._wake(answer) if isinstance(answer, Scheduled) else _NEVER
                self._note_room(item.name, answer)
                if isinstance(answer, BaseException) and not isinstance(answer, BrokerFullError):
                    failures.append(answer)
        if failures:
            raise failures[0]
        return min(LOOK_AGAIN, max(min(wakes.values(), default=_NEVER) - dispatcher.broker_clock.now(), 0) / 1000)

    async def _of_the_present(self, items: list[Scheduled]) -> list[Scheduled]:
        # What was ahead of the clock is looked at again with the next round.
        dispatcher, present = self._dispatcher, []
        for item in items:
            ahead = item.latest - dispatcher.broker_clock.now()
            if ahead <= CORRECTED:
                present.append(item)
            elif await dispatcher.book.turn_back(item, dispatcher.broker_clock.now()):
                behind = format_duration(ahead / 1000)
                log.warning("schedule %s ticks anew: the broker's clock was set back by %s", item.name, behind)
        return present

    def _timing(self, item: Scheduled) -> Timing:
        known = self._timings.get(item.name)
        if known is None or known[0] != item.version:
            known = self._timings[item.name] = (item.version, Timing(item.stored.entry))
        return known[1]

    def _wake(self, item: Scheduled) -> float:
        claim = item.progress.claim
        if claim is not None:
            # One of the future was made before the broker's clock was set back.
            stale = claim.at > self._dispatcher.broker_clock.now() + CLAIM_LIFE
            return 0 if stale or self._dispatcher.owns(claim) else claim.at + CLAIM_LIFE
        known = self._next.get(item.name)
        if known is None or known[:2] != (item.version, item.done):
            timing = self._timing(item)
            tick = timing.next_after(item.done)
            known = (item.version, item.done, None if tick is None else timing.due_at(tick))
            self._next[item.name] = known
        return _NEVER if known[2] is None else known[2]

    def _forget(self, items: Iterable[Scheduled]) -> None:
        names = {item.name for item in items}
        self._timings = {name: known for name, known in self._timings.items() if name in names}
        self._next = {name: known for name, known in self._next.items() if name in names}

    def _note_room(self, name: str, answer: object) -> None:
        if not isinstance(answer, BrokerFullError):
            self._without_room.discard(name)
        elif name not in self._without_room:
            self._without_room.add(name)
            log.warning("schedule %s waits for room: %s", name, visible(str(answer), 300))

    def _complain(self, unreadable: Iterable[Unreadable]) -> None:
        before, self._unreadable = self._unreadable, set(unreadable)
        for each in self._unreadable - before:
            text = f"schedule {visible(each.name)} cannot be read: {visible(each.problem, 300)}"
            self._refusals.tell("schedules", "unreadable", text)
