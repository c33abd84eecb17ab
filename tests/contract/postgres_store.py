"""Postgres, held to the contract: a namespace of a real server, whose clock nobody moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stem_core.testing.contract.harness import Store
from tests.contract.redis_store import served_store


@asynccontextmanager
async def postgres_store(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Store]:
    """An empty namespace of the Postgres that all tests share."""
    async with served_store(request.getfixturevalue("postgres_url"), namespace) as store:
        yield store
