"""What a store must be like from the outside, in sixty lines: the model that random histories are compared with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stem_core.delivery import Delivery, Outcome, Settled

TERMINAL = {Outcome.SUCCEEDED: "succeeded", Outcome.REVOKED: "cancelled", Outcome.DEAD: "failed"}


@dataclass(eq=False)
class ModelJob:
    """One job: `where` is ready, delayed, held, dead or ended; `token` and `owner` are those of who holds it."""

    id: str
    priority: int
    where: str
    attempt: int = 0
    deliveries: int = 0
    crashes: int = 0
    owner: str = ""
    token: str = ""
    started: bool = False
    revoked: bool = False

    def settled(self, delivery: Delivery) -> Settled:
        """Say what must come of settling a delivery of this job."""
        if self.where == "held" and (self.token, self.owner) == (delivery.token, delivery.owner):
            return Settled.COMMITTED
        over = self.where in ("dead", "ended") or self.attempt > delivery.attempt
        return Settled.GONE if over else Settled.FENCED


@dataclass
class Model:
    """A queue with all that ever was in it."""

    jobs: dict[str, ModelJob] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    paused: bool = False

    def at(self, *where: str) -> list[ModelJob]:
        """Return the jobs in these places."""
        return [job for job in self.jobs.values() if job.where in where]

    def fetched(self, delivery: Delivery) -> ModelJob:
        """Take a job over into a worker's hands."""
        job = self.jobs[delivery.id]
        job.where, job.owner, job.token, job.started = "held", delivery.owner, delivery.token, False
        job.deliveries += 1
        return job

    def finish(self, job: ModelJob, outcome: Outcome, *, delayed: bool) -> None:
        """Carry out what its owner decided."""
        if outcome in TERMINAL:
            job.where, job.revoked = "dead" if outcome is Outcome.DEAD else "ended", False
            self.counters[TERMINAL[outcome]] += 1
        elif outcome is Outcome.RETRY:
            job.where, job.attempt, job.crashes = "delayed" if delayed else "ready", job.attempt + 1, 0
            self.counters["retried"] += 1
        else:
            job.where = "delayed" if delayed else "ready"
            job.deliveries -= not job.started

    def owners_died(self, dead: set[str]) -> None:
        """Give back what they held; a crash is put down to what had started, or was all that they held."""
        holding = Counter(job.owner for job in self.at("held"))
        for job in self.at("held"):
            if job.owner in dead:
                job.crashes += job.started or holding[job.owner] == 1
                job.where = "ready"
