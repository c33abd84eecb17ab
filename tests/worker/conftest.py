from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from tests.conftest import SERVED
from tests.worker.cluster import Cluster


@pytest.fixture(params=[pytest.param("memory", id="memory"), *SERVED])
async def cluster(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Cluster]:
    """A cluster on each kind of broker, with a lease of two seconds."""
    if request.param == "memory":
        cluster = Cluster(InMemoryBroker(namespace, lease=2.0))
    else:
        url = request.getfixturevalue(request.param)
        cluster = Cluster(await connect_broker(url, namespace=namespace, lease=2.0))
    yield cluster
    await cluster.close()


@pytest.fixture
async def memory(namespace: str) -> AsyncIterator[Cluster]:
    """A cluster in memory, with a lease of two seconds."""
    cluster = Cluster(InMemoryBroker(namespace, lease=2.0))
    yield cluster
    await cluster.close()
