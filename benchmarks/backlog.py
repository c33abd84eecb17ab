"""What a long queue costs: the pace of a worker and of the first question that people ask, at any length."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.processes import ROOT, Board, fill, until_done, worker
from benchmarks.stores import Place
from stem_core.stores import connect_broker


def observe_seconds(place: Place) -> float:
    """Return how long `stem observe queues --json` takes, the best of three; in process, what it asks."""
    if place.is_in_process:
        return asyncio.run(_stats_seconds(place))
    command = [sys.executable, "-m", "stem_core", "observe", "queues", "--json"]
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(command, check=True, cwd=ROOT, env=place.environment(), stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return min(times)


async def _stats_seconds(place: Place) -> float:
    broker = await connect_broker(place.url, namespace=place.namespace)
    began = time.perf_counter()
    await broker.stats(await broker.queues())
    return time.perf_counter() - began


def measure(place: Place, folder: Path, waiting: int, measured: int) -> tuple[float, float]:
    """Let jobs wait, and measure the worker's pace on the first of them.

    Returns:
        Jobs per second over the first `measured` of them, and the seconds of `stem observe queues` before.
    """
    board = Board(folder, waiting)
    asyncio.run(fill(place, 0, waiting))
    seen = observe_seconds(place)
    with worker(place, 100, board.path):
        asyncio.run(until_done(place, measured))
    starts = sorted(start for start in board.all() if start)[:measured]
    return (measured - 1) / (starts[-1] - starts[0]), seen
