"""Enqueues per second of one producer process."""

from __future__ import annotations

import asyncio
import time

from benchmarks.app import noop, stem
from benchmarks.processes import go_to
from benchmarks.stores import Place
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


async def _all(place: Place, jobs: int) -> tuple[float, float, float]:
    go_to(place)
    async with stem:
        await noop.enqueue(n=0)
        return await _one_at_a_time(jobs // 20), await _fifty_at_once(jobs), await _batches(jobs)


def rates(place: Place, jobs: int) -> tuple[float, float, float]:
    """Return how many a second: one at a time, 50 at once, and 500 a call."""
    return asyncio.run(_all(place, jobs))
