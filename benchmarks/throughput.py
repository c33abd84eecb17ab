"""Jobs per second of one worker process: no-ops, results stored, fence and event frames on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from benchmarks.processes import Board, fill, until_done, worker
from benchmarks.stores import Place


def rate(place: Place, folder: Path, jobs: int, concurrency: int = 100) -> tuple[float, float]:
    """Return jobs per second between the first and the last start, and the worker's CPU in microseconds per job."""
    board = Board(folder, jobs)
    asyncio.run(fill(place, 0, jobs))
    with worker(place, concurrency, board.path) as process:
        before = _cpu(process)
        asyncio.run(until_done(place, jobs))
        used = _cpu(process) - before
    starts = board.starts()
    return (jobs - 1) / (max(starts) - min(starts)), used / jobs * 1e6


def _cpu(process: int) -> float:
    times = psutil.Process(process).cpu_times()
    return times.user + times.system
