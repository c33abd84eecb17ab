"""How late delayed jobs are, with very many of them waiting."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.app import stem
from benchmarks.processes import Board, go_to, until_done, worker
from benchmarks.stores import Place
from stem_core.client import Job


async def _fill(place: Place, jobs: int, first: float, span: float) -> list[float]:
    """Enqueue jobs that are due, evenly spread, from `first` seconds from now on; returns when each is due."""
    go_to(place)
    due = []
    async with stem:
        zero = time.time() + first
        for start in range(0, jobs, 500):
            batch = []
            for n in range(start, min(start + 500, jobs)):
                at = zero + span * n / jobs
                due.append(at)
                batch.append(Job("bench.stamp", {"n": n}, countdown=max(0.0, at - time.time())))
            await stem.enqueue_many(batch)
    return due


def lateness(place: Place, folder: Path, jobs: int, skew: float = 0.0) -> list[float]:
    """Return by how many ms each job was late; negative would be early.

    Args:
        place: Where.
        folder: For files.
        jobs: How many; they are due within a minute, so that 100,000 are 1,667 a second.
        skew: Seconds by which the worker's clock is wrong.
    """
    first, span = 25.0, 60.0
    board = Board(folder, jobs)
    with worker(place, 100, board.path, skew):
        due = asyncio.run(_fill(place, jobs, first, span))
        asyncio.run(until_done(place, jobs, first + span + 120))
    return [(start - at) * 1000 for start, at in zip(board.starts(), due, strict=True)]
