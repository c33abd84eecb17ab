"""arq, as it is by default but for its concurrency."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

from benchmarks.peers.job import SLOTS, URL, run_async
from benchmarks.peers.producer import Producer

_SETTINGS: Final = RedisSettings.from_dsn(URL)


async def _job(_context: dict[str, object], n: int) -> None:
    await run_async(n)


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    pool = await create_pool(_SETTINGS)

    async def enqueue(n: int) -> None:
        await pool.enqueue_job("job", n)

    yield Producer(enqueue)
    await pool.aclose()


def work() -> None:
    Worker([func(_job, name="job")], redis_settings=_SETTINGS, max_jobs=SLOTS).run()
