"""Enqueues per second of one producer process."""

from __future__ import annotations

import asyncio
import time

import redis

from benchmarks.app import noop, stem
from stem_core.client import Job


async def _one_at_a_time(jobs: int) -> float:
    began = time.perf_counter()
    for n in range(jobs):
        await noop.enqueue(n=n)
    return jobs / (time.perf_counter() - began)


async def _fifty_at_once(jobs: int) -> float:
    async def produce() -> None:
        for n in range(jobs // 50):
            await noop.enqueue(n=n)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(produce())
    return jobs / (time.perf_counter() - began)


async def _batches(jobs: int) -> float:
    began = time.perf_counter()
    for start in range(0, jobs, 500):
        await stem.enqueue_many([Job("bench.noop", {"n": n}) for n in range(start, start + 500)])
    return jobs / (time.perf_counter() - began)


async def _all(jobs: int) -> tuple[float, float, float]:
    async with stem:
        await noop.enqueue(n=0)
        return await _one_at_a_time(jobs // 10), await _fifty_at_once(jobs), await _batches(jobs)


def measure(url: str, jobs: int, runs: int) -> list[tuple[str, str]]:
    """Return the best of each way to enqueue."""
    best = (0.0, 0.0, 0.0)
    for _ in range(runs):
        redis.Redis.from_url(url).flushall()
        best = tuple(map(max, zip(best, asyncio.run(_all(jobs)), strict=True)))
    return [
        ("enqueue, one at a time", f"{best[0]:,.0f}/s"),
        ("enqueue, 50 at once", f"{best[1]:,.0f}/s"),
        ("enqueue_many, 500 a call", f"{best[2]:,.0f}/s"),
    ]
