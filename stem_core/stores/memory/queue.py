"""One queue of the memory store: what a job may do in it, each step whole. Not thread-safe; the broker holds the lock.

Times are the broker's monotonic clock, except those that people read.
"""

from __future__ import annotations

import itertools
from typing import Final, NamedTuple

from stem_core.delivery import DeadLetter, Delivery, Outcome, Pause, QueueStats, Revocation, Settlement
from stem_core.envelope import Sealed
from stem_core.stores.memory.delayed import Delayed
from stem_core.stores.memory.jobs import Job, Lanes

_tokens: Final = itertools.count(1)

_COUNTERS: Final = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.DEAD: "failed",
    Outcome.REVOKED: "cancelled",
    Outcome.RETRY: "retried",
}


class _Dead(NamedTuple):
    number: int
    letter: DeadLetter
    priority: int


class MemoryQueue:
    """Ready, held, delayed and dead jobs of one name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pause: Pause | None = None
        self.revocations: dict[str, Revocation] = {}
        self._dead: dict[str, _Dead] = {}
        self.held: dict[int, Job] = {}
        self.counters = dict.fromkeys(("published", "succeeded", "failed", "cancelled", "retried"), 0)
        self._lanes = Lanes()
        self._delayed = Delayed()

    def publish(self, sealed: Sealed, now: float, delay: float) -> Job:
        """Add a new job."""
        job = Job(sealed.id, self.name, sealed.body, sealed.priority)
        self.counters["published"] += 1
        self._place(job, now, delay)
        return job

    def _place(self, job: Job, now: float, delay: float = 0.0, *, back: bool = False) -> None:
        job.leave_owner()
        job.token = next(_tokens)
        if delay > 0:
            job.where, job.due = "delayed", now + delay
            self._delayed.add(job)
        else:
            job.where, job.since = "ready", now
            self._lanes.add(job, back=back)

    def promote(self, now: float) -> int:
        """Make due jobs ready; returns how many."""
        due = self._delayed.take_due(now)
        for job in due:
            self._place(job, now)
        return len(due)

    def next_due(self) -> float | None:
        """Return when the next delayed job is due."""
        return self._delayed.next_due()

    def fetch(self, owner: str, now: float, time: float) -> Delivery | None:
        """Hand out the next job, if the queue is not paused."""
        if self.current_pause(time) is not None:
            return None
        job = self._lanes.take()
        if job is None:
            return None
        self.held[job.token] = job
        return job.deliver(owner, now, self.revocation(job.id, time))

    def current_pause(self, time: float) -> Pause | None:
        """Return the pause, unless it has run out."""
        if self.pause is not None and self.pause.until is not None and self.pause.until <= time:
            self.pause = None
        return self.pause

    def revocation(self, job_id: str, time: float) -> Revocation | None:
        """Return the standing revocation of a job."""
        found = self.revocations.get(job_id)
        if found is not None and found.until <= time:
            del self.revocations[job_id]
            return None
        return found

    def forget_revocations(self, time: float) -> None:
        """Drop revocations that have run out; what they are for may never come."""
        if any(each.until <= time for each in self.revocations.values()):
            self.revocations = {key: each for key, each in self.revocations.items() if each.until > time}

    def holds(self, delivery: Delivery) -> Job | None:
        """Return the job if that delivery still owns it."""
        job = self.held.get(int(delivery.token)) if delivery.token.isdecimal() else None
        return job if job is not None and job.owner == delivery.owner else None

    def finish(self, job: Job, outcome: Settlement, now: float, time: float) -> bool:
        """Carry an outcome out; returns whether the job has ended."""
        del self.held[job.token]
        if outcome.outcome in _COUNTERS:
            self.counters[_COUNTERS[outcome.outcome]] += 1
        if outcome.outcome is Outcome.RETRY:
            job.attempt += 1
            job.returns = job.crashes = 0
            job.crashed = ()
            self._place(job, now, outcome.delay)
            return False
        if outcome.outcome is Outcome.REQUEUE:
            job.returns += outcome.unregistered
            job.deliveries -= not outcome.delivery.started  # a hand-back does not count
            self._place(job, now, outcome.delay, back=True)
            return False
        self.revocations.pop(job.id, None)
        if outcome.outcome is Outcome.DEAD:
            letter = DeadLetter(
                id=job.id,
                queue=self.name,
                body=job.body,
                reason=outcome.reason,
                error=outcome.error,
                attempt=job.attempt,
                deliveries=job.deliveries,
                died_at=time,
            )
            self._dead.pop(job.id, None)
            self._dead[job.id] = _Dead(next(_tokens), letter, job.priority)
        return True

    def waiting(self, limit: int) -> list[Job]:
        """Return jobs that no worker holds, next to run first."""
        ready = self._lanes.first(limit)
        return [*ready, *self._delayed.first(limit - len(ready))]

    def cancel(self, job: Job) -> bool:
        """Remove a job that waits; False if a worker holds it."""
        if job.where == "inflight":
            return False
        if job.where == "ready":
            self._lanes.remove(job)
        else:
            self._delayed.remove(job)
        job.where = "ended"
        self.counters["cancelled"] += 1
        return True

    def unrenewed(self, now: float, lease: float) -> list[Job]:
        """Return what silent workers hold."""
        return [job for job in self.held.values() if now - job.renewed >= max(lease, job.hold)]

    def take_back(self, job: Job, now: float) -> None:
        """Take a job from a worker that fell silent; it is what the worker died of if it ran, or was held alone."""
        if job.started or not job.shared:
            job.crashes += 1
            job.crashed = (*job.crashed, job.owner)
        del self.held[job.token]
        self._place(job, now, back=True)

    def letter(self, job_id: str) -> DeadLetter | None:
        """Return a dead letter, if there is one."""
        dead = self._dead.get(job_id)
        return None if dead is None else dead.letter

    def letters_before(self, below: int | None, limit: int) -> list[tuple[int, DeadLetter]]:
        """Return dead letters and their numbers, newest first; those below a number if one is given."""
        newest = (dead for dead in reversed(self._dead.values()) if below is None or dead.number < below)
        return [(dead.number, dead.letter) for dead in itertools.islice(newest, limit)]

    def purge(self, job_id: str) -> DeadLetter | None:
        """Remove a dead letter; returns it."""
        dead = self._dead.pop(job_id, None)
        return None if dead is None else dead.letter

    def replay(self, job_id: str, now: float) -> Job | None:
        """Make a dead letter ready again, if there is one."""
        dead = self._dead.pop(job_id, None)
        if dead is None:
            return None
        letter = dead.letter
        job = Job(letter.id, self.name, letter.body, dead.priority, deliveries=letter.deliveries)
        self.counters["published"] += 1
        self._place(job, now)
        return job

    @property
    def is_used(self) -> bool:
        """Whether it ever had a job, or is paused."""
        return self.counters["published"] > 0 or self.pause is not None

    @property
    def ready(self) -> int:
        """Jobs that a worker could fetch now."""
        return self._lanes.count

    def stats(self, now: float, time: float) -> QueueStats:
        """Return the figures."""
        oldest = self._lanes.oldest()
        return QueueStats(
            name=self.name,
            ready=self.ready,
            inflight=len(self.held),
            delayed=self._delayed.count,
            dead=len(self._dead),
            oldest_s=None if oldest is None else max(0.0, now - oldest),
            paused=self.current_pause(time),
            **self.counters,
        )
