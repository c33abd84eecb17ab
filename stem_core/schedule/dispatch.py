"""Sending the due ticks of one entry, each exactly once however many schedulers try.

1. **Claim**: compare-and-set the entry's progress to name the ticks and who sends them. One scheduler wins.
2. **Send** each tick's job under an id made of entry and tick, which the store adds no second time.
3. **Done**: compare-and-set the progress to have these ticks behind it.

A scheduler that dies in between leaves its claim. Another one takes it over after `CLAIM_LIFE`, and sends what neither
waits, runs nor has a record. One that slept notices that its claim is old, and sends nothing more.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Unpack

import msgspec

from stem_core.clock import Clock
from stem_core.errors import BrokerError, StemError
from stem_core.events import ScheduleEntryDispatched, ScheduleEntryDue, ScheduleEntryFailed
from stem_core.reporting import Reporter
from stem_core.schedule.book import Claim, ScheduleBook, Scheduled
from stem_core.schedule.broker_clock import BrokerClock
from stem_core.schedule.due import due_ticks
from stem_core.schedule.entry import ScheduleEntry
from stem_core.schedule.timing import Timing
from stem_core.signing import PayloadSigner
from stem_core.stores.port import Broker, ResultBackend
from stem_core.tasks.enqueuing import EnqueueOptions
from stem_core.text import visible

log: Final = logging.getLogger("stem.schedule")

CLAIM_LIFE: Final = 4_000
"""Milliseconds after which others may take a claim over: longer than a store tries to publish."""
_STILL_OURS: Final = 0.25
"""The share of a claim's life in which its owner may begin to send."""
_AT_ONCE: Final = 100


class Sender(Protocol):
    """What can enqueue a task that its registry need not know; `Stem` does."""

    @property
    def signer(self) -> PayloadSigner | None:
        """Signs what is enqueued, and what is kept of schedules; None if nothing is signed."""

    async def enqueue_unchecked(
        self, name: str, args: dict[str, object] | None = None, **options: Unpack[EnqueueOptions]
    ) -> str:
        """Send a task and return its id."""


def tick_id(entry: str, tick: int) -> str:
    """Return the task id of an entry's tick, such as `sched-nightly-20251026T030000.000Z`."""
    moment = datetime.fromtimestamp(tick // 1000, UTC)
    return f"sched-{entry}-{moment:%Y%m%dT%H%M%S}.{tick % 1000:03d}Z"


class Dispatcher:
    """Sends due ticks.

    Args:
        broker: Where jobs go, to see which are there.
        backend: Where results are.
        sender: How they get there.
        reporter: Where events go.
        owner: Name and boot of this scheduler.
        clock: Source of time.
    """

    def __init__(
        self, broker: Broker, backend: ResultBackend, sender: Sender, reporter: Reporter, owner: str, clock: Clock
    ) -> None:
        self._broker = broker
        self._backend = backend
        self._sender = sender
        self._reporter = reporter
        self._owner = owner
        self._clock = clock
        self._waiting: set[tuple[str, int]] = set()
        self.book = ScheduleBook(broker, sender.signer)
        self.broker_clock = BrokerClock(broker, clock)

    def owns(self, claim: Claim) -> bool:
        """Return whether a claim is this scheduler's own, left over from a try that failed."""
        return claim.by == self._owner

    async def attend(self, item: Scheduled, timing: Timing) -> Scheduled | None:
        """Send what is due of one entry.

        Returns:
            The entry as it is now; None if somebody else attends to it.

        Raises:
            BrokerError: The broker cannot be reached or has no room; what was claimed stays ours.
        """
        began = self._clock.monotonic()
        now = self.broker_clock.now()
        left = item.progress.claim
        if left is not None and not self.owns(left) and abs(now - left.at) < CLAIM_LIFE:
            return None
        claim = self._claim(item, timing, now)
        if claim is None:
            return item
        claimed = await self.book.advance(item, msgspec.structs.replace(item.progress, claim=claim))
        if claimed is None:
            return None
        if left is None:
            for tick in claim.ticks:
                self._reporter.tell(ScheduleEntryDue(self._clock.time(), item.name, timing.due_at(tick) / 1000))
            wanted = claim.ticks
        else:
            wanted = await self._unknown(item.name, claim.ticks)
        refused = await self._send(item.stored.entry, wanted, began)
        return None if refused is None else await self._finish(claimed, timing, claim, refused)

    def _claim(self, item: Scheduled, timing: Timing, now: int) -> Claim | None:
        left = item.progress.claim
        if left is not None:
            # What was switched off meanwhile, or ticks by another rule now, is not sent late.
            ticks = [tick for tick in left.ticks if tick > item.stored.since]
            return Claim(self._owner, now, ticks, left.upto)
        due = due_ticks(item.stored.entry, timing, item.done, now)
        return None if due is None else Claim(self._owner, now, due.ticks, due.upto)

    async def _unknown(self, entry: str, ticks: list[int]) -> list[int]:
        ids = [tick_id(entry, tick) for tick in ticks]
        places = await self._broker.locate(ids) if ids else []
        records = await self._backend.get(ids) if ids else []
        known = zip(ticks, places, records, strict=True)
        return [tick for tick, place, record in known if place is None and record is None]

    async def _send(self, entry: ScheduleEntry, ticks: list[int], began: float) -> dict[int, StemError] | None:
        refused: dict[int, StemError] = {}
        for start in range(0, len(ticks), _AT_ONCE):
            if self._clock.monotonic() - began > CLAIM_LIFE / 1000 * _STILL_OURS:
                return None
            part = ticks[start : start + _AT_ONCE]
            answers = await asyncio.gather(*(self._enqueue(entry, tick) for tick in part), return_exceptions=True)
            for tick, answer in zip(part, answers, strict=True):
                if isinstance(answer, BrokerError):
                    if (entry.name, tick) not in self._waiting:  # it is tried again each second, and told once
                        self._fail(entry.name, tick, answer)
                        self._waiting.add((entry.name, tick))
                    raise answer
                if isinstance(answer, StemError):
                    self._fail(entry.name, tick, answer)
                    refused[tick] = answer
                elif isinstance(answer, BaseException):
                    raise answer
        return refused

    def _fail(self, entry: str, tick: int, error: StemError) -> None:
        said = visible(str(error), 300)
        log.error("schedule %s: the tick %s could not be sent: %s", entry, tick_id(entry, tick), said)
        self._reporter.tell(ScheduleEntryFailed(self._clock.time(), entry, tick / 1000, said))

    async def _enqueue(self, entry: ScheduleEntry, tick: int) -> str:
        options: dict[str, Any] = {"queue": entry.queue, "priority": entry.priority, "expires": entry.expires}
        return await self._sender.enqueue_unchecked(
            entry.task,
            dict(entry.args),
            task_id=tick_id(entry.name, tick),
            meta={"stem.schedule": entry.name, "stem.scheduledFor": tick / 1000},
            **options,
        )

    async def _finish(
        self, item: Scheduled, timing: Timing, claim: Claim, refused: dict[int, StemError]
    ) -> Scheduled | None:
        now, before = self.broker_clock.now(), item.progress
        self._waiting -= {(item.name, tick) for tick in claim.ticks}
        late = {tick: max(now - timing.due_at(tick), 0) / 1000 for tick in claim.ticks if tick not in refused}
        changes: dict[str, Any] = {"done": max(before.done, claim.upto), "claim": None}
        if late:
            last = max(late)
            changes |= {"last_run": now, "last_id": tick_id(item.name, last), "drift": round(late[last], 3)}
            changes |= {"runs": before.runs + len(late), "error": ""}
        if refused:
            error = visible(str(refused[max(refused)]), 300)
            changes |= {"failures": before.failures + len(refused), "error": error}
        finished = await self.book.advance(item, msgspec.structs.replace(before, **changes))
        if finished is not None:
            for tick, drift in late.items():
                due = timing.due_at(tick) / 1000
                self._reporter.tell(ScheduleEntryDispatched(self._clock.time(), item.name, due, drift))
        return finished
