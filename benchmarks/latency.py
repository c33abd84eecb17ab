"""Time from the call of enqueue to the start of the task, on an idle worker in another process."""

from __future__ import annotations

import asyncio
import struct
import tempfile
import time
from pathlib import Path

import redis

from benchmarks.app import stamp, stem
from benchmarks.processes import wait_until_idle, worker


async def _send(jobs: int, gap: float) -> list[float]:
    sent = []
    async with stem:
        await stem.connect()
        for n in range(jobs):
            sent.append(time.monotonic())
            await stamp.enqueue(n=n)
            await asyncio.sleep(gap)
    return sent


def measure(url: str, jobs: int) -> list[tuple[str, str]]:
    """Send single tasks 20 ms apart and return the percentiles of their waiting."""
    redis.Redis.from_url(url).flushall()
    with tempfile.TemporaryDirectory() as folder:
        board = Path(folder) / "board"
        board.write_bytes(bytes(jobs * 8))
        with worker(url, 10, board):
            asyncio.run(_send(20, 0.05))
            wait_until_idle(url, 20)
            sent = asyncio.run(_send(jobs, 0.02))
            wait_until_idle(url, jobs + 20)
        starts = [value for (value,) in struct.iter_unpack("d", board.read_bytes())]
    waits = sorted((start - at) * 1000 for start, at in zip(starts, sent, strict=True))
    return [
        ("latency idle p50", f"{waits[len(waits) // 2]:.2f} ms"),
        ("latency idle p99", f"{waits[int(len(waits) * 0.99)]:.2f} ms"),
    ]
