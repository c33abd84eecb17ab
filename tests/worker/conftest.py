from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from tests.worker.cluster import Cluster


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.redis)])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of each kind of broker that processes can share."""
    if request.param == "sqlite":
        return f"sqlite://{tmp_path}/stem.db"
    url: str = request.getfixturevalue("redis_url")
    return url


@pytest.fixture(params=["memory", "sqlite", pytest.param("redis", marks=pytest.mark.redis)])
async def cluster(request: pytest.FixtureRequest, namespace: str, tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster on each kind of broker, with a lease of one second."""
    if request.param == "memory":
        cluster = Cluster(InMemoryBroker(namespace, lease=1.0))
    else:
        sqlite = request.param == "sqlite"
        url = f"sqlite://{tmp_path}/stem.db" if sqlite else request.getfixturevalue("redis_url")
        cluster = Cluster(await connect_broker(url, namespace=namespace, lease=1.0))
    yield cluster
    await cluster.close()


@pytest.fixture
async def memory(namespace: str) -> AsyncIterator[Cluster]:
    """A cluster in memory, with a lease of one second."""
    cluster = Cluster(InMemoryBroker(namespace, lease=1.0))
    yield cluster
    await cluster.close()
