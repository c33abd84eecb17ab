"""Brokers for what clients promise."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.port import Broker
from tests.conftest import SERVED


@pytest.fixture(params=[pytest.param("memory", id="memory"), *SERVED])
async def any_broker(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Broker]:
    """An empty broker of each kind."""
    if request.param == "memory":
        yield InMemoryBroker(namespace)
        return
    broker = await connect_broker(request.getfixturevalue(request.param), namespace=namespace)
    yield broker
    await broker.close()
