"""What ends single jobs from outside their handler: revocation and lost leases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from stem_core.delivery import Revocation
from stem_core.errors import LeaseLost
from stem_core.worker.active import Job, Revoked
from stem_core.worker.core import Core, log
from stem_core.worker.execute import revoked
from stem_core.worker.finish import Finisher
from stem_core.worker.outcome import Ending


@dataclass(slots=True)
class Revocations:
    """What became of a revoke in this worker: ids settled as cancelled, told to stop, and left to run."""

    cancelled: list[str] = field(default_factory=list)
    terminating: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def revoke(core: Core, finisher: Finisher, revocations: Iterable[Revocation]) -> Revocations:
    """Apply revocations to the jobs held here. Repeating it changes nothing."""
    wanted = {each.id: each for each in revocations}
    told = Revocations()
    for job in core.window.withdraw(lambda job: job.delivery.id in wanted):
        finisher.add(job, _at(core, wanted[job.delivery.id]), None)
        told.cancelled.append(job.delivery.id)
    for job in list(core.window.running):
        revocation = wanted.get(job.delivery.id)
        if revocation is None or job.settling or job.void:
            continue
        if not revocation.terminate:
            told.ignored.append(job.delivery.id)
            continue
        if not isinstance(job.stop, Revoked):
            job.tell(Revoked(revocation))
        told.terminating.append(job.delivery.id)
    return told


def lease_lost(core: Core, job: Job) -> None:
    """Drop a job that another worker owns now, and tell its handler."""
    if job not in core.window.held or job.settling:
        return
    log.warning("lost the lease of task %s; another worker has it", job.delivery.id)
    job.void = True
    core.window.withdraw(lambda each: each is job)
    core.window.release(job)
    if job in core.window.running:
        job.tell(LeaseLost("another worker owns this job now"))


def _at(core: Core, revocation: Revocation) -> Ending:
    ending = revoked(revocation)
    ending.ended_at = core.clock.time()
    return ending
