"""The hand-written loop that is the ceiling, see `benchmarks.hand_loop`, as a worker that never ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from benchmarks import hand_loop
from benchmarks.peers.job import URL, run_async
from benchmarks.peers.producer import Producer


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    client = Redis.from_url(URL)

    async def enqueue(n: int) -> None:
        await client.xadd("hand", {"b": hand_loop.body(n)})

    async def enqueue_many(numbers: Sequence[int]) -> None:
        pipe = client.pipeline(transaction=False)
        for n in numbers:
            pipe.xadd("hand", {"b": hand_loop.body(n)})
        await pipe.execute()

    yield Producer(enqueue, enqueue_many)
    await client.aclose()


async def _work() -> None:
    client = Redis.from_url(URL)
    settle = client.register_script(hand_loop.SETTLE)
    await hand_loop.begin(client)
    while True:
        await hand_loop.turn(client, settle, run_async, block=1000)


def work() -> None:
    asyncio.run(_work())
