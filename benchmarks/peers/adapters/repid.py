"""Repid, as it is by default but for its concurrency. It has no results, so it stores none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from repid import RedisServer, Repid, Router

from benchmarks.peers.job import SLOTS, URL, run_async
from benchmarks.peers.producer import Producer

_app: Final = Repid(title="peers")
_app.servers.register_server("default", RedisServer(URL), is_default=True)
_router: Final = Router()


@_router.actor(name="job", channel="default")
async def _job(n: int) -> None:
    await run_async(n)


_app.include_router(_router)


async def _enqueue(n: int) -> None:
    await _app.send_message_json(channel="default", payload={"n": n}, headers={"topic": "job"})


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    async with _app.servers.default.connection():
        yield Producer(_enqueue)


async def _work() -> None:
    async with _app.servers.default.connection():
        await _app.run_worker(tasks_limit=SLOTS)


def work() -> None:
    asyncio.run(_work())
