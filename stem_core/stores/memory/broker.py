"""A whole store in memory: the shortest correct implementation of the port."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Self

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.delivery import (
    DeadLetter,
    Delivery,
    Outcome,
    Pause,
    Place,
    QueueStats,
    Revocation,
    Settled,
    Settlement,
    Subscription,
    Upkeep,
)
from stem_core.envelope import Sealed
from stem_core.stores.memory.backend import InMemoryResultBackend
from stem_core.stores.memory.channels import MemoryChannels
from stem_core.stores.memory.coordination import MemoryCoordination
from stem_core.stores.memory.jobs import Job
from stem_core.stores.memory.queue import MemoryQueue
from stem_core.stores.memory.waiting import Bell
from stem_core.stores.port import KeptRecord, record_of

_REVOKED_TTL: Final = 86400.0


class InMemoryBroker(MemoryChannels, MemoryCoordination):
    """A broker that lives as long as its process. Thread-safe, usable from several event loops at once.

    Args:
        namespace: Named in snapshots and events; brokers share nothing anyway.
        clock: The broker's time.
        lease: Seconds after which a silent worker's jobs are taken back.
    """

    def __init__(self, namespace: str = "stem", clock: Clock = SYSTEM_CLOCK, lease: float = 15.0) -> None:
        lock = threading.RLock()
        MemoryChannels.__init__(self, clock, lock)
        MemoryCoordination.__init__(self, clock, lock)
        self.namespace = namespace
        self.location = f"memory://{id(self):x}"
        self.warnings: tuple[str, ...] = ()
        self._lease = lease
        self._queues: dict[str, MemoryQueue] = {}
        self._places: dict[str, Job] = {}
        self._results = InMemoryResultBackend(clock, self.location)
        self._work = Bell()
        self._interrupted: set[str] = set()
        self._turn = 0

    def _queue(self, name: str) -> MemoryQueue:
        return self._queues.setdefault(name, MemoryQueue(name))

    async def publish(self, batch: Sequence[Sealed]) -> None:
        """Add jobs; an id that is known already is not added again."""
        with self._lock:
            now, time = self._clock.monotonic(), self._clock.time()
            for sealed in batch:
                if sealed.id in self._places or self._results.has(sealed.id):
                    continue
                until = 0.0 if sealed.not_before is None else sealed.not_before - time
                job = self._queue(sealed.queue).publish(sealed, now, max(sealed.delay, until))
                self._places[sealed.id] = job
        self._work.ring()

    async def fetch(self, wanted: Subscription, limit: int, wait: float) -> list[Delivery]:
        """Take up to `limit` jobs, waiting up to `wait` seconds for the first."""
        deadline = self._clock.monotonic() + wait
        while True:
            heard = self._work.listen()
            found, next_due = self._take(wanted, limit)
            remaining = deadline - self._clock.monotonic()
            if found or remaining <= 0 or self._was_interrupted(wanted.owner):
                await self._work.wait(heard, 0.0)
                return found
            await self._work.wait(heard, remaining if next_due is None else min(remaining, next_due))

    def _take(self, wanted: Subscription, limit: int) -> tuple[list[Delivery], float | None]:
        with self._lock:
            now, time = self._clock.monotonic(), self._clock.time()
            self._turn += 1
            queues = [self._queue(name) for name in _rotated(wanted.queues, self._turn)]
            for queue in queues:
                queue.promote(now)
            found: list[Delivery] = []
            while queues and len(found) < limit:
                queue = queues.pop(0)
                delivery = queue.fetch(wanted.owner, now, time)
                if delivery is not None:
                    found.append(delivery)
                    queues.append(queue)
            return found, self._until_due(wanted.queues, now)

    def _until_due(self, names: Sequence[str], now: float) -> float | None:
        dues = [due for name in names if (due := self._queue(name).next_due()) is not None]
        return max(0.0, min(dues) - now) if dues else None

    def _was_interrupted(self, owner: str) -> bool:
        with self._lock:
            if owner in self._interrupted:
                self._interrupted.discard(owner)
                return True
            return False

    def interrupt(self, owner: str) -> None:
        """End that owner's current or next waiting at once."""
        with self._lock:
            self._interrupted.add(owner)
        self._work.ring()

    async def begin(self, held: Sequence[Delivery]) -> None:
        """Record that these handlers start now."""
        with self._lock:
            for delivery in held:
                job = self._queue(delivery.queue).holds(delivery)
                if job is not None:
                    job.started = True

    async def settle(self, outcomes: Sequence[Settlement]) -> list[Settled]:
        """Store outcomes and give the deliveries up."""
        with self._lock:
            settled = [self._settle(outcome) for outcome in outcomes]
        if any(outcome.outcome in (Outcome.RETRY, Outcome.REQUEUE) for outcome in outcomes):
            self._work.ring()
        return settled

    def _settle(self, outcome: Settlement) -> Settled:
        delivery = outcome.delivery
        queue = self._queue(delivery.queue)
        job = queue.holds(delivery)
        if job is None:
            place = self._places.get(delivery.id)
            return Settled.GONE if place is None or place.attempt > delivery.attempt else Settled.FENCED
        if queue.finish(job, outcome, self._clock.monotonic(), self._clock.time()):
            del self._places[delivery.id]
            kept = record_of(outcome)
            if kept is not None:
                self._results.put_now([kept])
        return Settled.COMMITTED

    def renew(self, held: Sequence[Delivery]) -> list[bool]:
        """Extend leases; False where another owner has the job."""
        with self._lock:
            return [self._renew(delivery) for delivery in held]

    def _renew(self, delivery: Delivery) -> bool:
        job = self._queue(delivery.queue).holds(delivery)
        if job is None:
            return False
        job.renewed = self._clock.monotonic()
        job.hold = delivery.hold
        job.started = job.started or delivery.started
        return True

    async def upkeep(self, queues: Sequence[str]) -> Upkeep:
        """Make due jobs ready, take back jobs whose lease ran out, and forget what else has run out."""
        with self._lock:
            now, time = self._clock.monotonic(), self._clock.time()
            self._forget_expired()
            for name in queues:
                self._queue(name).forget_revocations(time)
            promoted = sum(self._queue(name).promote(now) for name in queues)
            reclaimed = self._reclaim([self._queue(name) for name in queues], now)
            next_due = self._until_due(queues, now)
        if promoted or reclaimed:
            self._work.ring()
        return Upkeep(promoted=promoted, reclaimed=reclaimed, next_due=next_due)

    def _reclaim(self, queues: Sequence[MemoryQueue], now: float) -> int:
        lost = [(queue, job) for queue in queues for job in queue.unrenewed(now, self._lease)]
        if lost:
            silent = {job.owner for _, job in lost}
            held = [job for queue in self._queues.values() for job in queue.held.values() if job.owner in silent]
            holding = Counter(job.owner for job in held)
            for job in held:
                job.shared = job.shared or holding[job.owner] > 1
        for queue, job in lost:
            queue.take_back(job, now)
        return len(lost)

    async def lease(self) -> float:
        """Return the lease in seconds."""
        return self._lease

    async def time(self) -> float:
        """Return the broker's time."""
        return self._clock.time()

    async def queues(self) -> list[str]:
        """Return the names of all queues that were ever used."""
        with self._lock:
            return sorted(name for name, queue in self._queues.items() if queue.is_used)

    async def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Return figures."""
        with self._lock:
            now, time = self._clock.monotonic(), self._clock.time()
            return [self._queue(name).stats(now, time) for name in queues]

    async def pause(self, queues: Sequence[str], pause: Pause) -> None:
        """Stop fetches from these queues."""
        with self._lock:
            since = self._clock.time()
            for name in queues:
                self._queue(name).pause = Pause(by=pause.by, reason=pause.reason, since=since, until=pause.until)

    async def resume(self, queues: Sequence[str]) -> None:
        """Take pauses back."""
        with self._lock:
            for name in queues:
                self._queue(name).pause = None
        self._work.ring()

    async def revoke(self, revocations: Sequence[Revocation], records: Mapping[str, bytes]) -> list[str]:
        """Keep jobs from running."""
        with self._lock:
            return [self._revoke(revocation, records.get(revocation.id)) for revocation in revocations]

    def _revoke(self, revocation: Revocation, record: bytes | None) -> str:
        job = self._places.get(revocation.id)
        if job is None:
            if self._results.has(revocation.id):
                return "ended"
            for queue in self._queues.values():
                queue.revocations[revocation.id] = revocation
            return "pending"
        queue = self._queue(job.queue)
        if record is not None and queue.cancel(job):
            del self._places[job.id]
            whole = record.removesuffix(b"null}") + job.body + b"}"
            self._results.put_now([KeptRecord(job.id, job.queue, whole, _REVOKED_TTL, job.deliveries)])
            return "cancelled"
        queue.revocations[revocation.id] = revocation
        return "pending"

    async def revoked(self, ids: Sequence[str]) -> list[Revocation]:
        """Return the standing revocations among these ids."""
        with self._lock:
            time = self._clock.time()
            found = {
                task_id: revocation
                for task_id in ids
                for queue in self._queues.values()
                if (revocation := queue.revocation(task_id, time)) is not None
            }
        return list(found.values())

    async def waiting(self, queue: str, limit: int) -> list[Place]:
        """Return jobs that no worker holds, next to run first."""
        with self._lock:
            offset = self._clock.time() - self._clock.monotonic()
            return [_place(job, offset) for job in self._queue(queue).waiting(limit)]

    async def locate(self, ids: Sequence[str]) -> list[Place | None]:
        """Find jobs that have not ended."""
        with self._lock:
            time, now = self._clock.time(), self._clock.monotonic()
            return [_place(job, time - now) if (job := self._places.get(task_id)) else None for task_id in ids]

    async def dead(self, queue: str, limit: int, cursor: str = "") -> tuple[list[DeadLetter], str]:
        """Return dead letters, newest first; a cursor is the number of the last one that was shown."""
        below = int(cursor) if cursor else None
        with self._lock:
            letters = self._queue(queue).letters_before(below, limit + 1)
        page = letters[:limit]
        return [letter for _, letter in page], str(page[-1][0]) if len(letters) > limit else ""

    async def letters(self, queue: str, ids: Sequence[str]) -> list[DeadLetter | None]:
        """Return the dead letters of these ids."""
        with self._lock:
            return [self._queue(queue).letter(task_id) for task_id in ids]

    async def replay(self, queue: str, ids: Sequence[str]) -> int:
        """Make dead letters ready again."""
        with self._lock:
            now = self._clock.monotonic()
            jobs = [job for task_id in ids if (job := self._queue(queue).replay(task_id, now)) is not None]
            for job in jobs:
                self._places[job.id] = job
                self._results.forget(job.id)
        self._work.ring()
        return len(jobs)

    async def purge(self, queue: str, ids: Sequence[str]) -> int:
        """Delete dead letters."""
        with self._lock:
            return sum(self._queue(queue).purge(task_id) is not None for task_id in ids)

    def results(self) -> InMemoryResultBackend:
        """Return the results of this broker."""
        return self._results

    async def ping(self) -> float:
        """Return the round trip: none."""
        return 0.0

    async def close(self) -> None:
        """Do nothing: there is no connection, and others may go on using this broker."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _rotated(names: Sequence[str], turn: int) -> list[str]:
    start = turn % len(names) if names else 0
    return [*names[start:], *names[:start]]


def _place(job: Job, wall_offset: float) -> Place:
    return Place(
        id=job.id,
        queue=job.queue,
        where=job.where,
        body=job.body,
        attempt=job.attempt,
        deliveries=job.deliveries,
        owner=job.owner,
        due=job.due + wall_offset if job.where == "delayed" else None,
    )
