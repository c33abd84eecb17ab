"""Jobs per second of one worker process: no-ops on Redis, results stored, fence and event frames on."""

from __future__ import annotations

import asyncio
import struct
import tempfile
from pathlib import Path

import psutil
import redis

from benchmarks import hand_loop
from benchmarks.app import stem
from benchmarks.processes import wait_until_idle, worker
from stem_core.client import Job


async def _fill(jobs: int) -> None:
    async with stem:
        for start in range(0, jobs, 500):
            await stem.enqueue_many([Job("bench.stamp", {"n": n}) for n in range(start, min(start + 500, jobs))])


def stem_rate(url: str, jobs: int, concurrency: int) -> tuple[float, float]:
    """Return jobs per second between the first and the last start, and the worker's CPU in microseconds per job."""
    redis.Redis.from_url(url).flushall()
    asyncio.run(_fill(jobs))
    with tempfile.TemporaryDirectory() as folder:
        board = Path(folder) / "board"
        board.write_bytes(bytes(jobs * 8))
        with worker(url, concurrency, board) as process:
            wait_until_idle(url, jobs)
            cpu = psutil.Process(process.pid).cpu_times()
        starts = [value for (value,) in struct.iter_unpack("d", board.read_bytes())]
    if min(starts) == 0:
        raise RuntimeError("some jobs never ran")
    return (jobs - 1) / (max(starts) - min(starts)), (cpu.user + cpu.system) / jobs * 1e6


def measure(url: str, jobs: int, runs: int) -> list[tuple[str, str]]:
    """Measure the hand-written loop and Stem in turns; return the best of each, and their ratio."""
    hand: list[float] = []
    ours: list[tuple[float, float]] = []
    for _ in range(runs):
        hand.append(asyncio.run(hand_loop.rate(url, jobs)))
        ours.append(stem_rate(url, jobs, 100))
    rate, cpu = max(ours)
    return [
        ("hand-written loop, results on", f"{max(hand):,.0f} jobs/s"),
        ("one worker, results, fence, events", f"{rate:,.0f} jobs/s"),
        ("ratio to the hand-written loop", f"{rate / max(hand):.2f}"),
        ("worker CPU, start included", f"{cpu:.0f} µs a job"),
    ]
