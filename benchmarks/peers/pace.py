"""How fast a peer enqueues and works: a backlog is enqueued in every way it has, and then worked off."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis import Redis

from benchmarks.peers.cost import cost
from benchmarks.peers.roster import Peer
from benchmarks.peers.running import Trial

_AFTER: Final = 0.5
"""Seconds within which the last jobs are settled."""


@dataclass(frozen=True)
class Pace:
    """One run's figures.

    Args:
        rate: Jobs per second.
        cpu: Microseconds of the processor that the worker used per job.
        commands: Commands of the server per job.
        reads: Round trips per job.
        enqueued: Enqueues per second by way, None for ways that the peer lacks.
    """

    rate: float
    cpu: float
    commands: float
    reads: float
    enqueued: dict[str, float | None]


def pace(peer: Peer, url: str, folder: Path, *, workers: int = 1) -> Pace:
    """Measure once, on an empty server; the processor and the server are measured from the first start on."""
    jobs = peer.jobs * workers
    one, fifty = min(jobs // 3, 1000), min(jobs // 3, 5000)
    trial = Trial(peer, url=url, folder=folder, jobs=jobs)
    enqueued = trial.produce(0, one=one, fifty=fifty, batch=jobs - 1 - one - fifty)
    with Redis.from_url(url) as server, ExitStack() as all_workers:
        worker, *_ = [all_workers.enter_context(trial.worker()) for _ in range(workers)]
        trial.wait(worker, started=1)
        before, missed = cost(worker, server), trial.board.started()
        if not trial.wait(worker, ended=jobs):
            raise RuntimeError(f"{peer.name}: only {trial.board.ended()} of {jobs} jobs were done")
        time.sleep(_AFTER)
        used = cost(worker, server).per_job(before, jobs - missed)
    return Pace(trial.board.rate(workers), *used, enqueued)
