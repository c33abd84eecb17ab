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
        asyncio.run(until_done(place, jobs))
        cpu = psutil.Process(process.pid).cpu_times()
    starts = board.starts()
    return (jobs - 1) / (max(starts) - min(starts)), (cpu.user + cpu.system) / jobs * 1e6
