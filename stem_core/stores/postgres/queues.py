"""The worker's side of the queues on Postgres: publish, fetch, begin, settle, renew, upkeep."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Iterable, Sequence
from typing import Final

from psycopg.errors import NotNullViolation

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery, Settled, Settlement, Subscription, Upkeep
from stem_core.envelope import Sealed
from stem_core.errors import BrokerError, BrokerUnavailableError
from stem_core.service import Backoff
from stem_core.stores.postgres.connection import ANSWER_TIMEOUT, PostgresConnection
from stem_core.stores.postgres.deliveries import (
    PUT_BACK,
    delivery_of,
    ending_parameters,
    held_parameters,
    key_of,
    returning_parameters,
)
from stem_core.stores.postgres.heads import Heads
from stem_core.stores.postgres.hints import EVERY, Hints, work_hint
from stem_core.stores.postgres.listening import Listener

_SETTLE_CHUNK: Final = 500
_PROMOTE_CHUNK: Final = 256
_RECLAIM_CHUNK: Final = 1000
_PUBLISH_PATIENCE: Final = 2.0
_REGISTER_EVERY: Final = 10.0
"""Seconds after which a queue's name is written again: someone may have emptied the tables."""
_POLL: Final = 1.0
_POLL_CLOSELY: Final = 0.005
"""Right after a job was found, others may come whose hints are held back."""
_DOUBT: Final = ANSWER_TIMEOUT + 1.0
"""Seconds for which a statement whose reply was lost may still be running."""
_LOOK_BACK: Final = 2.0
"""Seconds: what fell due longer ago is looked for now and then only, past the dead entries of what was taken since."""
_LOOK_BACK_EVERY: Final = 5.0
_SWEEP_CHUNK: Final = 20_000
_MARKER_LIFE: Final = 300.0


class PostgresQueues:
    """Leased, fenced queues in tables. One part of `PostgresBroker`.

    Args:
        connection: Connections to the server.
        namespace_id: The namespace's number in the tables.
        lease: The namespace's lease in seconds.
    """

    def __init__(self, connection: PostgresConnection, namespace_id: int, lease: float) -> None:
        self._postgres = connection
        self._space = namespace_id
        self._lease = lease
        channel = f"{connection.address.schema[:40]}_{namespace_id}"
        self._hints = Hints(connection, channel)
        self._listener = Listener(connection, channel)
        self._outstanding: dict[str, set[tuple[str, int, str]]] = {}
        self._doubtful: dict[str, float] = {}
        self._registered: dict[tuple[str, int], float] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._interrupted: set[str] = set()
        self._heads = Heads()
        self._found_at = 0.0
        self._looked_at = -math.inf
        self._turn = 0

    async def publish(self, batch: Sequence[Sealed]) -> None:
        """Add jobs; a resend after a lost reply adds nothing twice."""
        if not batch:
            return
        parameters = {
            "namespace": self._space,
            "marker": str(uuid.uuid4()),
            "queues": [sealed.queue for sealed in batch],
            "ids": [sealed.id for sealed in batch],
            "priorities": [sealed.priority for sealed in batch],
            "delays": [float(sealed.delay) for sealed in batch],
            "earliest": [float(sealed.not_before or 0.0) for sealed in batch],
            "bodies": [sealed.body for sealed in batch],
        }
        backoff = Backoff()
        deadline = SYSTEM_CLOCK.monotonic() + _PUBLISH_PATIENCE
        while True:
            try:
                await self._register(batch)
                await self._postgres.run("publish", parameters)
            except BrokerError as error:
                delay = backoff.next()
                if not self._may_pass(error) or SYSTEM_CLOCK.monotonic() + delay > deadline:
                    raise
                await SYSTEM_CLOCK.sleep(delay)
            else:
                break
        self._hints.give({work_hint(sealed.queue) for sealed in batch})

    def _may_pass(self, error: BrokerError) -> bool:
        if isinstance(error.__cause__, NotNullViolation):  # the queue's name is gone
            self._registered.clear()
            return True
        return isinstance(error, BrokerUnavailableError)

    async def _register(self, batch: Sequence[Sealed]) -> None:
        now = SYSTEM_CLOCK.monotonic()
        used = {(sealed.queue, sealed.priority) for sealed in batch}
        due = sorted(pair for pair in used if self._registered.get(pair, 0.0) <= now)
        if due:
            queues, levels = [queue for queue, _ in due], [level for _, level in due]
            await self._postgres.run("register", {"namespace": self._space, "queues": queues, "levels": levels})
            self._registered.update(dict.fromkeys(due, now + _REGISTER_EVERY))

    async def fetch(self, wanted: Subscription, limit: int, wait: float) -> list[Delivery]:
        """Take up to `limit` jobs, waiting up to `wait` seconds for the first."""
        deadline = SYSTEM_CLOCK.monotonic() + wait
        found = await self._take(wanted, limit)
        if found or wait <= 0:
            return found
        with self._listener.hear(map(work_hint, wanted.queues)) as heard:
            while True:
                found = await self._take(wanted, limit)
                remaining = deadline - SYSTEM_CLOCK.monotonic()
                if found or remaining <= 0 or await self._interrupted_within(remaining, wanted.owner, heard):
                    return found

    async def _interrupted_within(self, remaining: float, owner: str, heard: asyncio.Event) -> bool:
        """Wait for a hint, but not for too long; returns whether the waiting was interrupted."""
        recently = SYSTEM_CLOCK.monotonic() - self._found_at < EVERY * 1.1
        self._waiting[owner] = heard
        try:
            if owner not in self._interrupted:
                async with asyncio.timeout(min(remaining, _POLL_CLOSELY if recently else _POLL)):
                    await heard.wait()
        except TimeoutError:
            return False
        finally:
            del self._waiting[owner]
        heard.clear()
        if owner in self._interrupted:
            self._interrupted.discard(owner)
            return True
        return False

    def interrupt(self, owner: str) -> None:
        """End that owner's current or next waiting at once."""
        self._interrupted.add(owner)
        if owner in self._waiting:
            self._waiting[owner].set()

    async def _take(self, wanted: Subscription, limit: int) -> list[Delivery]:
        if not wanted.queues or limit < 1:
            return []
        try:
            found = await self._recover(wanted) or await self._claim(wanted, limit)
        except (BrokerError, asyncio.CancelledError):
            self._doubtful[wanted.owner] = SYSTEM_CLOCK.monotonic() + _DOUBT
            raise
        if found:
            self._found_at = SYSTEM_CLOCK.monotonic()
            self._outstanding.setdefault(wanted.owner, set()).update(map(key_of, found))
        return found

    async def _recover(self, wanted: Subscription) -> list[Delivery]:
        """Return what the server handed out in replies that never arrived."""
        if wanted.owner not in self._doubtful:
            return []
        if self._doubtful[wanted.owner] < SYSTEM_CLOCK.monotonic():
            del self._doubtful[wanted.owner]
        parameters = {"namespace": self._space, "queues": list(wanted.queues), "owner": wanted.owner}
        known = self._outstanding.get(wanted.owner, set())
        held = (delivery_of(wanted.owner, row) for row in await self._postgres.run("recover", parameters))
        return [delivery for delivery in held if key_of(delivery) not in known]

    async def _claim(self, wanted: Subscription, limit: int) -> list[Delivery]:
        self._turn = (self._turn + 1) & 0xFFFFFF
        rounds, start = divmod(self._turn, len(wanted.queues))
        queues = [*wanted.queues[start:], *wanted.queues[:start]]
        parameters = {
            "namespace": self._space,
            "queues": queues,
            "heads": self._heads.of(queues),
            "owner": wanted.owner,
            "lease": self._lease,
            "most": limit,
            "turn": rounds,
        }
        found = [delivery_of(wanted.owner, row) for row in await self._postgres.run("claim", parameters)]
        self._heads.saw(found)
        return found

    async def begin(self, held: Sequence[Delivery]) -> None:
        """Record that these handlers start now."""
        for delivery in held:
            delivery.started = True
        if held:
            await self._postgres.run("renew", self._renewal(held))

    def renew(self, held: Sequence[Delivery]) -> list[bool]:
        """Extend leases; False where another owner has the job. Blocking, from any thread."""
        if not held:
            return []
        kept = set(self._postgres.run_in_thread("renew", self._renewal(held)))
        for delivery in held:
            if key_of(delivery) not in kept:
                self._forget(delivery)
        return [key_of(delivery) in kept for delivery in held]

    def _renewal(self, held: Sequence[Delivery]) -> dict[str, object]:
        # All who touch several jobs do so in the order of their ids, and never wait for each other in a circle.
        ordered = sorted(held, key=key_of)
        return held_parameters(self._space, ordered) | {
            "lease": self._lease,
            "started": [delivery.started for delivery in ordered],
            "holds": [float(delivery.hold) for delivery in ordered],
        }

    async def settle(self, outcomes: Sequence[Settlement]) -> list[Settled]:
        """Store outcomes and give the deliveries up, each in one fenced step."""
        ordered = sorted(outcomes, key=lambda outcome: key_of(outcome.delivery))
        committed: set[tuple[str, int, str]] = set()
        for start in range(0, len(ordered), _SETTLE_CHUNK):
            chunk = ordered[start : start + _SETTLE_CHUNK]
            ending = [outcome for outcome in chunk if outcome.outcome not in PUT_BACK]
            returning = [outcome for outcome in chunk if outcome.outcome in PUT_BACK]
            if ending:
                parameters = self._held(ending) | ending_parameters(ending)
                committed.update(await self._postgres.run("settle", parameters))
            if returning:
                parameters = self._held(returning) | returning_parameters(returning)
                committed.update(await self._postgres.run("put_back", parameters))
                self._hints.give({work_hint(outcome.delivery.queue) for outcome in returning})
        missed = [outcome.delivery for outcome in outcomes if key_of(outcome.delivery) not in committed]
        fenced = await self._fenced(missed) if missed else set()
        for outcome in outcomes:
            self._forget(outcome.delivery)
        return [_settled(outcome.delivery, committed, fenced) for outcome in outcomes]

    def _held(self, outcomes: Sequence[Settlement]) -> dict[str, object]:
        return held_parameters(self._space, [outcome.delivery for outcome in outcomes])

    async def _fenced(self, missed: Sequence[Delivery]) -> set[str]:
        """Return the ids of those that somebody else has; the others were settled before."""
        parameters = {"namespace": self._space, "ids": [delivery.id for delivery in missed]}
        attempts: dict[str, int] = dict(await self._postgres.run("attempts", parameters))
        return {one.id for one in missed if one.id in attempts and attempts[one.id] <= one.attempt}

    def _forget(self, delivery: Delivery) -> None:
        self._outstanding.get(delivery.owner, set()).discard(key_of(delivery))

    async def upkeep(self, queues: Sequence[str]) -> Upkeep:
        """Make due jobs ready and take back jobs whose lease ran out."""
        now = SYSTEM_CLOCK.monotonic()
        is_thorough = now - self._looked_at >= _LOOK_BACK_EVERY
        if is_thorough:
            self._looked_at = now
        back = math.inf if is_thorough else _LOOK_BACK
        names = {"namespace": self._space, "queues": list(queues), "back": back}
        reclaims = await self._postgres.run("reclaim", {**names, "most": _RECLAIM_CHUNK})
        promotes = await self._postgres.run("promote", {**names, "most": _PROMOTE_CHUNK})
        ready = {name for name, number, *_ in (*reclaims, *promotes) if number}
        self._hints.give(map(work_hint, ready))
        if is_thorough:
            await self._postgres.run("sweep", {"most": _SWEEP_CHUNK, "marker_life": _MARKER_LIFE})
        nearest = [0.0 if promoted == _PROMOTE_CHUNK else due for _, promoted, due in promotes]
        dues = [due for due in nearest if due is not None]
        return Upkeep(
            promoted=sum(promoted for _, promoted, _ in promotes),
            reclaimed=sum(reclaimed for _, reclaimed in reclaims),
            next_due=max(0.0, min(dues)) if dues else None,
        )

    async def lease(self) -> float:
        """Return the namespace's lease in seconds."""
        return self._lease


def _settled(delivery: Delivery, committed: Iterable[tuple[str, int, str]], fenced: set[str]) -> Settled:
    if key_of(delivery) in committed:
        return Settled.COMMITTED
    return Settled.FENCED if delivery.id in fenced else Settled.GONE
