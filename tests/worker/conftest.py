from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.postgres import PostgresBroker
from stem_core.stores.redis import RedisStreamsBroker
from tests.worker.cluster import Cluster


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("postgres", marks=pytest.mark.postgres),
    ]
)
async def cluster(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Cluster]:
    """A cluster on each kind of broker, with a lease of one second."""
    if request.param == "memory":
        cluster = Cluster(InMemoryBroker(namespace, lease=1.0))
    else:
        url = request.getfixturevalue(f"{request.param}_url")
        connect = {"redis": RedisStreamsBroker.connect, "postgres": PostgresBroker.connect}[request.param]
        cluster = Cluster(await connect(url, namespace=namespace, lease=1.0))
    yield cluster
    await cluster.close()


@pytest.fixture
async def memory(namespace: str) -> AsyncIterator[Cluster]:
    """A cluster in memory, with a lease of one second."""
    cluster = Cluster(InMemoryBroker(namespace, lease=1.0))
    yield cluster
    await cluster.close()
