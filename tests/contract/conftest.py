"""The stores that are held to the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import pytest

from stem_core.testing.contract.harness import Store
from tests.contract.memory_store import memory_store
from tests.contract.postgres_store import postgres_store
from tests.contract.redis_store import cluster_store, redis7_store, valkey_store
from tests.contract.sqlite_store import sqlite_store

Opening = Callable[[pytest.FixtureRequest, str], AbstractAsyncContextManager[Store]]


STORES: Final = [
    pytest.param(memory_store, id="memory"),
    pytest.param(sqlite_store, id="sqlite"),
    pytest.param(valkey_store, id="valkey", marks=pytest.mark.redis),
    pytest.param(redis7_store, id="redis7", marks=pytest.mark.redis),
    pytest.param(cluster_store, id="cluster", marks=pytest.mark.redis),
    pytest.param(postgres_store, id="postgres", marks=pytest.mark.postgres),
]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Store]:
    """Each store in turn, empty."""
    opening: Opening = request.param
    async with opening(request, namespace) as opened:
        yield opened
