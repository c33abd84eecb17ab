"""What a worker with nothing to do costs: until its first task, in memory, and until it takes a new job."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.peers.roster import Peer
from benchmarks.peers.running import Trial, family

_WARM: Final = 5
_JOBS: Final = 40


@dataclass(frozen=True)
class Idle:
    """One run's figures.

    Args:
        first: Seconds from the start of the process to that of its first task.
        waits: From the call of enqueue to the start of the task, in ms, of each job.
        memory: Resident MiB of the worker and its children, together.
    """

    first: float
    waits: list[float]
    memory: float


def idle(peer: Peer, url: str, folder: Path) -> Idle:
    """Measure once, on an empty server."""
    jobs = 1 + 1 + _WARM + _JOBS
    trial = Trial(peer, url=url, folder=folder, jobs=jobs)
    trial.produce(0)
    spawned = time.time()
    with trial.worker() as worker:
        trial.wait(worker, ended=1)
        sent = trial.produce(1, apart=_WARM + _JOBS)["apart"][_WARM:]
        if not trial.wait(worker, ended=jobs, within=30.0):
            raise RuntimeError(f"{peer.name}: only {trial.board.ended()} of {jobs} jobs were done")
        memory = sum(process.memory_info().rss for process in family(worker.pid))
    first = jobs - _JOBS
    waits = [(trial.board.start_of(n) - at) * 1000 for n, at in enumerate(sent, first)]
    return Idle(trial.board.start_of(0) - spawned, waits, memory / 2**20)
