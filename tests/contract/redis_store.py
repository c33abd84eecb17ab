"""Redis and its kin, held to the contract: a namespace of a real server, whose clock nobody moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from stem_core.stores import connect_broker
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import LEASE, Store


class ServedStore:
    """A namespace of a server that others use too."""

    def __init__(self, url: str, namespace: str, broker: Broker, stack: AsyncExitStack) -> None:
        self.broker = broker
        self._url = url
        self._namespace = namespace
        self._stack = stack

    async def another(self) -> Broker:
        broker = await connect_broker(self._url, namespace=self._namespace)
        self._stack.push_async_callback(broker.close)
        return broker

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@asynccontextmanager
async def served_store(url: str, namespace: str) -> AsyncIterator[Store]:
    """A store behind a URL, empty, with a short lease."""
    async with AsyncExitStack() as stack:
        broker = await connect_broker(url, namespace=namespace, lease=LEASE)
        stack.push_async_callback(broker.close)
        yield ServedStore(url, namespace, broker, stack)


@asynccontextmanager
async def valkey_store(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Store]:
    """An empty namespace of the Valkey that all tests share."""
    async with served_store(request.getfixturevalue("redis_url"), namespace) as store:
        yield store


@asynccontextmanager
async def redis7_store(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Store]:
    """An empty namespace of the Redis 7 that all tests share."""
    async with served_store(request.getfixturevalue("redis7_server").url, namespace) as store:
        yield store


@asynccontextmanager
async def cluster_store(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Store]:
    """An empty namespace of the cluster that all tests share."""
    async with served_store(request.getfixturevalue("redis_cluster").url, namespace) as store:
        yield store
