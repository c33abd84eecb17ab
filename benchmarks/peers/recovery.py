"""What becomes of the jobs of a worker that is killed, with everything as it is by default."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.peers.environments import NotInstalledError
from benchmarks.peers.roster import PEERS, Peer
from benchmarks.peers.running import Trial, kill
from benchmarks.stores import valkey

JOBS: Final = 100
_SLOTS: Final = 10
_SECONDS: Final = 0.5
KILLED_AT: Final = 30
WITHIN: Final = 120.0


def recovery(peer: Peer, folder: Path) -> tuple[int, float, int]:
    """Kill a worker at its 30th start, start another at once, and wait.

    Returns:
        How many jobs were done in time, how many seconds after the kill the last of them was (0 if before it), and how
        many ran twice to the end.
    """
    folder.mkdir()
    with valkey(folder) as store:
        trial = Trial(peer, url=store.url, folder=folder, jobs=JOBS, slots=_SLOTS, seconds=_SECONDS)
        trial.produce(0, one=JOBS - 1)
        with trial.worker() as worker:
            trial.wait(worker, started=KILLED_AT)
            kill(worker.pid)
        killed = time.time()
        with trial.worker() as worker:
            trial.wait(worker, ended=JOBS, within=WITHIN)
    runs = list(trial.board.runs())
    done = [run for run in runs if run.ends]
    last = max(run.start for run in done) + _SECONDS - killed
    return len(done), max(last, 0.0), sum(1 for run in runs if run.ends > 1)


def _row(peer: Peer, folder: Path) -> list[str]:
    try:
        done, last, twice = recovery(peer, folder / f"{peer.name}-recovery")
    except (NotInstalledError, RuntimeError) as error:
        return [peer.name, f"left out: {error}", "", ""]
    return [peer.name, str(done), f"{last:.1f} s", str(twice)]


def rows(folder: Path) -> list[list[str]]:
    """Measure all peers at the same time: their jobs sleep, so that they do not disturb each other."""
    peers = [peer for peer in PEERS if peer.recovers]
    with ThreadPoolExecutor(len(peers)) as threads:
        return list(threads.map(lambda peer: _row(peer, folder), peers))
