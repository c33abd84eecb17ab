"""A job as the memory store keeps it, and the lanes in which it waits."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from stem_core.delivery import Delivery, Revocation

_SHARE: Final = 8
"""Every so many turns a lower priority goes first, so that none starves."""


@dataclass(slots=True, eq=False)
class Job:
    """One job, wherever it waits. `token` changes with each place it gets, which is what fences its former owners."""

    id: str
    queue: str
    body: bytes
    priority: int
    token: int = 0
    attempt: int = 0
    deliveries: int = 0
    returns: int = 0
    crashes: int = 0
    crashed: tuple[str, ...] = ()
    where: str = "ready"
    since: float = 0.0
    due: float = 0.0
    owner: str = ""
    renewed: float = 0.0
    hold: float = 0.0
    started: bool = False
    shared: bool = False
    """Whether its owner held others too when one of them was taken back."""

    def deliver(self, owner: str, now: float, revoked: Revocation | None) -> Delivery:
        """Hand the job to an owner."""
        self.where = "inflight"
        self.owner = owner
        self.renewed = now
        self.deliveries += 1
        return Delivery(
            id=self.id,
            queue=self.queue,
            body=self.body,
            priority=self.priority,
            attempt=self.attempt,
            deliveries=self.deliveries,
            returns=self.returns,
            crashes=self.crashes,
            crashed=self.crashed,
            owner=owner,
            token=str(self.token),
            revoked=revoked,
        )

    def leave_owner(self) -> None:
        """Forget who held it."""
        self.owner = ""
        self.hold = 0.0
        self.started = self.shared = False


Lane = OrderedDict[int, Job]


@dataclass(slots=True)
class Level:
    """One priority: jobs that came back go before those that never left."""

    back: Lane = field(default_factory=OrderedDict)
    fresh: Lane = field(default_factory=OrderedDict)

    def first(self) -> Lane | None:
        """Return the lane whose turn it is, None if nothing waits."""
        return self.back or self.fresh or None


class Lanes:
    """All ready jobs of a queue, by priority."""

    def __init__(self) -> None:
        self._levels: dict[int, Level] = {}
        self._turn = 0
        self.count = 0

    def add(self, job: Job, *, back: bool = False) -> None:
        """Let a job wait, before newer ones if it comes back."""
        level = self._levels.setdefault(job.priority, Level())
        (level.back if back else level.fresh)[job.token] = job
        self.count += 1

    def take(self) -> Job | None:
        """Remove and return the next job: highest priority first, but a lower one on every eighth turn, in turns."""
        lanes = [lane for priority in sorted(self._levels, reverse=True) if (lane := self._levels[priority].first())]
        if not lanes:
            return None
        self._turn += 1
        chosen = 0
        if self._turn % _SHARE == 0 and len(lanes) > 1:
            chosen = 1 + self._turn // _SHARE % (len(lanes) - 1)
        self.count -= 1
        return lanes[chosen].popitem(last=False)[1]

    def remove(self, job: Job) -> None:
        """Remove a job that waits here."""
        level = self._levels[job.priority]
        if level.back.pop(job.token, None) is not None or level.fresh.pop(job.token, None) is not None:
            self.count -= 1

    def first(self, limit: int) -> list[Job]:
        """Return the jobs that are next by priority, without taking them."""
        ordered = (
            job
            for priority in sorted(self._levels, reverse=True)
            for lane in (self._levels[priority].back, self._levels[priority].fresh)
            for job in lane.values()
        )
        return list(islice(ordered, limit))

    def oldest(self) -> float | None:
        """Return since when the longest waiting job waits."""
        heads = [
            next(iter(lane.values())).since
            for level in self._levels.values()
            for lane in (level.back, level.fresh)
            if lane
        ]
        return min(heads, default=None)
