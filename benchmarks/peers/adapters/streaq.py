"""streaQ; tuned: uvloop, and no line in the log for each task."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from streaq import Worker

from benchmarks.peers.job import SLOTS, TUNED, URL, run_async
from benchmarks.peers.producer import Producer

_worker: Final = Worker(redis_url=URL, concurrency=SLOTS, anyio_kwargs={"use_uvloop": TUNED})


@_worker.task(name="job", silent=TUNED)
async def _job(n: int) -> None:
    await run_async(n)


async def _enqueue(n: int) -> None:
    await _job.enqueue(n)


async def _enqueue_many(numbers: Sequence[int]) -> None:
    await _worker.enqueue_many([_job.enqueue(n) for n in numbers])


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    async with _worker:
        yield Producer(_enqueue, _enqueue_many)


def work() -> None:
    _worker.run_sync()
