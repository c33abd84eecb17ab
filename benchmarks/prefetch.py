"""The two ends of prefetching: a large window is fast with short tasks, a small one is fair with uneven ones."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.app import stem
from benchmarks.processes import Board, go_to, until_done, worker
from benchmarks.stores import Store
from benchmarks.throughput import rate
from stem_core.client import Job

MULTIPLIERS = (1, 2, 8, 32)
_TASKS = 160
_SLOTS = 4
_SHORT, _LONG, _EVERY = 0.02, 0.4, 10


async def _fill() -> float:
    async with stem:
        naps = [_LONG if n % _EVERY == 0 else _SHORT for n in range(_TASKS)]
        await stem.enqueue_many([Job("bench.nap", {"n": n, "seconds": nap}) for n, nap in enumerate(naps)])
    return sum(naps)


def fairness(store: Store, folder: Path) -> float:
    """Return how long two workers need for uneven tasks, as a multiple of what an even share would take."""
    place, board = store.place(), Board(folder, _TASKS)
    with ExitStack() as both:
        for _ in range(2):
            both.enter_context(worker(place, _SLOTS, board.path))
        time.sleep(2.0)  # until both wait for work
        go_to(place)
        began = time.time()
        work = asyncio.run(_fill())
        asyncio.run(until_done(place, _TASKS))
        took = time.time() - began
    return took / (work / (2 * _SLOTS))


def rows(store: Store, folder: Path, jobs: int) -> list[list[str]]:
    """Measure each multiplier."""
    found = []
    for multiplier in MULTIPLIERS:
        os.environ["STEM_PREFETCH_MULTIPLIER"] = str(multiplier)
        try:
            fast, _ = rate(store.place(), folder, jobs, 10)
            found.append([str(multiplier), f"{fast:,.0f}", f"{fairness(store, folder):.2f}"])
        finally:
            del os.environ["STEM_PREFETCH_MULTIPLIER"]
    return found
