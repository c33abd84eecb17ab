"""The workers' side of the queues in a SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from stem_core.delivery import Delivery, Settled, Settlement, Subscription, Upkeep
from stem_core.envelope import Sealed
from stem_core.stores.sqlite.jobs import Taking, open_queues, place_of, publish, still_held
from stem_core.stores.sqlite.keeping_up import clocks_of, has_work, keep_up, needs_sweep, next_due, sweep
from stem_core.stores.sqlite.room import check_room
from stem_core.stores.sqlite.settling import settle
from stem_core.stores.sqlite.store import SqliteStore
from stem_core.stores.sqlite.transaction import Transaction
from stem_core.stores.sqlite.waiting import JOBS

_SWEEP_EVERY: Final = 1.0
_NOTHING: Final[list[Delivery]] = []

Taken = asyncio.Future[list[Delivery]]


class SqliteQueues:
    """Competing consumers on one file. One part of `SqliteBroker`."""

    def __init__(self, store: SqliteStore, lease: float) -> None:
        self._store = store
        self._lease = lease
        self._interrupted: set[str] = set()
        self._unclaimed: dict[str, list[Taken]] = {}
        self._turn = 0
        self._sweep_at = 0.0

    async def publish(self, batch: Sequence[Sealed]) -> None:
        """Add jobs; an id that is known already is not added again.

        There is no reply that could get lost between a file and its user: what failed was rolled back.
        """
        if batch:
            await self._store.write(lambda transaction: self._publish(transaction, batch))

    def _publish(self, transaction: Transaction, batch: Sequence[Sealed]) -> None:
        check_room(self._store.path)
        publish(transaction, batch)

    async def fetch(self, wanted: Subscription, limit: int, wait: float) -> list[Delivery]:
        """Take up to `limit` jobs, waiting up to `wait` seconds for the first."""
        clock, bells = self._store.clock, self._store.bells
        deadline = clock.monotonic() + wait
        found = await self._take(wanted, limit)
        while not found and wait > 0:
            heard = bells.listen((JOBS,))  # before looking again, so that no ring is missed
            remaining = 0.0
            try:
                found = await self._take(wanted, limit)
                if not found and not self._was_interrupted(wanted.owner):
                    remaining = deadline - clock.monotonic()
            finally:
                await bells.wait(heard, remaining)
            if remaining <= 0:
                break
        return found

    async def _take(self, wanted: Subscription, limit: int) -> list[Delivery]:
        found = await self._claim(wanted.owner)
        if found or not wanted.queues or limit < 1:
            return found
        self._turn += 1
        turn, lease = self._turn, self._lease

        def look(transaction: Transaction) -> list[Delivery] | None:
            return None if open_queues(transaction, wanted.queues) else _NOTHING

        def take(transaction: Transaction) -> list[Delivery]:
            queues = open_queues(transaction, wanted.queues)
            if not queues:
                return _NOTHING
            taking = Taking(transaction, wanted.owner, lease, turn)
            taking.take_in_turns(queues, limit)
            return taking.found

        taken = self._store.write(take, look)
        try:
            return list(await asyncio.shield(taken))
        except asyncio.CancelledError:
            self._unclaimed.setdefault(wanted.owner, []).append(taken)
            raise

    async def _claim(self, owner: str) -> list[Delivery]:
        """Return what was taken for a fetch that was cancelled meanwhile."""
        waiting = self._unclaimed.get(owner)
        if not waiting:
            return []
        await asyncio.wait(waiting)
        del self._unclaimed[owner]
        # Where there was an error, nothing was taken.
        return [delivery for taken in waiting if taken.exception() is None for delivery in taken.result()]

    def _was_interrupted(self, owner: str) -> bool:
        if owner in self._interrupted:
            self._interrupted.discard(owner)
            return True
        return False

    def interrupt(self, owner: str) -> None:
        """End that owner's current or next waiting at once."""
        self._interrupted.add(owner)
        self._store.bells.ring_here((JOBS,))

    async def begin(self, held: Sequence[Delivery]) -> None:
        """Record that these handlers start now."""
        for delivery in held:
            delivery.started = True
        await self._store.write(lambda transaction: self._renew(transaction, held))

    def renew(self, held: Sequence[Delivery]) -> list[bool]:
        """Extend leases; False where another owner has the job. Blocking, from any thread."""
        return self._store.write_in_thread(lambda transaction: self._renew(transaction, held)) if held else []

    def _renew(self, transaction: Transaction, held: Sequence[Delivery]) -> list[bool]:
        ours = still_held(transaction, held)
        tokens = [place_of(delivery) for delivery in held]
        transaction.change_many(
            "UPDATE held SET expires = ?, started = CASE WHEN ? THEN 1 ELSE started END WHERE place = ?",
            [
                (transaction.now + max(self._lease, delivery.hold), int(delivery.started), token[0])
                for token, delivery in zip(tokens, held, strict=True)
                if token in ours
            ],
        )
        return [token in ours for token in tokens]

    async def settle(self, outcomes: Sequence[Settlement]) -> list[Settled]:
        """Store outcomes and give the deliveries up, each in one fenced step."""
        if not outcomes:
            return []
        return await self._store.write(lambda transaction: settle(transaction, outcomes))

    async def upkeep(self, queues: Sequence[str]) -> Upkeep:
        """Make due jobs ready, take back jobs whose lease ran out, and now and then remove what is too old."""
        now = self._store.clock.monotonic()
        sweeps = now >= self._sweep_at
        if sweeps:
            self._sweep_at = now + _SWEEP_EVERY

        def look(transaction: Transaction) -> Upkeep | None:
            clocks = clocks_of(transaction, queues)
            if has_work(clocks, transaction.now) or (sweeps and needs_sweep(transaction)):
                return None
            return Upkeep(next_due=next_due(clocks, transaction.now))

        def work(transaction: Transaction) -> Upkeep:
            if sweeps and sweep(transaction):
                self._sweep_at = 0.0
            return keep_up(transaction, queues)

        return await self._store.write(work, look)

    async def lease(self) -> float:
        """Return the namespace's lease in seconds."""
        return self._lease
