"""The stores that are held to the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from stem_core.testing.contract.harness import Store
from tests.contract.memory_store import memory_store
from tests.contract.postgres_store import postgres_store
from tests.contract.redis_store import valkey_store

Opening = Callable[[pytest.FixtureRequest, str], AbstractAsyncContextManager[Store]]


@pytest.fixture(
    params=[
        pytest.param(memory_store, id="memory"),
        pytest.param(valkey_store, id="valkey", marks=pytest.mark.redis),
        pytest.param(postgres_store, id="postgres", marks=pytest.mark.postgres),
    ]
)
async def store(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Store]:
    """Each store in turn, empty."""
    opening: Opening = request.param
    async with opening(request, namespace) as opened:
        yield opened
