"""The stores that are held to the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.port import Broker
from stem_core.stores.redis import RedisStreamsBroker
from tests.contract.harness import LEASE, ShiftedClock, Store
from tests.servers import RedisServer


class MemoryStore:
    """The store in memory, on a clock that tests move."""

    def __init__(self) -> None:
        self.clock = ShiftedClock()
        self.broker: Broker = InMemoryBroker(clock=self.clock, lease=LEASE)

    async def another(self) -> Broker:
        return self.broker

    async def pass_time(self, seconds: float) -> None:
        self.clock.shift += seconds


class RedisStore:
    """A namespace of a real server, whose clock nobody moves."""

    def __init__(self, url: str, namespace: str, broker: Broker, stack: AsyncExitStack) -> None:
        self.broker = broker
        self._url = url
        self._namespace = namespace
        self._stack = stack

    async def another(self) -> Broker:
        broker = await RedisStreamsBroker.connect(self._url, self._namespace)
        return await self._stack.enter_async_context(broker)

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def store(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Store]:
    """Each store in turn, empty."""
    if request.param == "memory":
        yield MemoryStore()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(await RedisStreamsBroker.connect(server.url, namespace, LEASE))
        yield RedisStore(server.url, namespace, broker, stack)


@pytest.fixture
def broker(store: Store) -> Broker:
    """The store's broker."""
    return store.broker
