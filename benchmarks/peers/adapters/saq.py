"""SAQ, as it is by default but for its concurrency."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from saq import Queue, Worker

from benchmarks.peers.job import SLOTS, URL, run_async
from benchmarks.peers.producer import Producer

_queue: Final = Queue.from_url(URL)


async def _job(_context: object, *, n: int) -> None:
    await run_async(n)


async def _enqueue(n: int) -> None:
    await _queue.enqueue("job", n=n)


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    await _queue.connect()
    yield Producer(_enqueue)
    await _queue.disconnect()


async def _work() -> None:
    await _queue.connect()
    await Worker(_queue, [("job", _job)], concurrency=SLOTS).start()


def work() -> None:
    asyncio.run(_work())
