"""What every test may rely on."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from tests.postgres_server import PostgresServer
from tests.redis_topologies import RedisCluster3, SentinelPair, TlsServer, debian_redis
from tests.servers import RedisServer

for variable in [name for name in os.environ if name == "NO_COLOR" or name.startswith("STEM_")]:
    if not variable.startswith("STEM_TEST_"):
        del os.environ[variable]

# Nothing that a test leaves unset may lead to the files of whoever runs it.
_DATA_HOME: Final = tempfile.mkdtemp(prefix="stem-tests-")
os.environ["XDG_DATA_HOME"] = _DATA_HOME

settings.register_profile("stem", deadline=None, max_examples=60)
settings.load_profile("stem")


def pytest_unconfigure() -> None:
    shutil.rmtree(_DATA_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server that all tests of this process share; take a `namespace` of your own in it, and do not end it."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of the shared server."""
    return redis_server.url


@pytest.fixture
def namespace() -> str:
    """A namespace that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def private_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server with an append-only file for one test alone, which may kill and restart it."""
    server = RedisServer(tmp_path / "redis", aof=True).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def redis7_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Debian's Redis 7, shared as `redis_server` is."""
    server = RedisServer(tmp_path_factory.mktemp("redis7"), binary=debian_redis()).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster3]:
    """A cluster of three that all tests of this process share, as `redis_server` is."""
    cluster = RedisCluster3(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster.start()
    finally:
        cluster.end()


@pytest.fixture
def private_cluster(tmp_path: Path) -> Iterator[RedisCluster3]:
    """A cluster of three and a replica of the first, for one test alone, which may kill servers."""
    cluster = RedisCluster3(tmp_path / "cluster", replica=True)
    try:
        yield cluster.start()
    finally:
        cluster.end()


@pytest.fixture
def sentinel_pair(tmp_path: Path) -> Iterator[SentinelPair]:
    """A primary, its replica and three sentinels for one test alone, which may kill them."""
    pair = SentinelPair(tmp_path / "sentinels")
    try:
        yield pair.start()
    finally:
        pair.end()


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """A server with TLS that all tests of this process share."""
    server = TlsServer(tmp_path_factory.mktemp("tls"))
    try:
        yield server.start()
    finally:
        server.end()


@pytest.fixture
def cluster_url(redis_cluster: RedisCluster3) -> str:
    """The URL of the shared cluster."""
    return redis_cluster.url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server that all tests of this process share; take a `namespace` of your own in it, and do not end it."""
    server = PostgresServer().start()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of the shared server."""
    return postgres_server.url


@pytest.fixture
def private_postgres() -> Iterator[PostgresServer]:
    """A server for one test alone, which may kill and restart it."""
    server = PostgresServer().start()
    yield server
    server.remove()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a new file."""
    return f"sqlite://{tmp_path}/stem.db"


SERVED: Final = [
    pytest.param("sqlite_url", id="sqlite"),
    pytest.param("redis_url", id="valkey", marks=pytest.mark.redis),
    pytest.param("postgres_url", id="postgres", marks=pytest.mark.postgres),
]
"""Fixtures that give the URL of a store which several processes can share."""

CLUSTER: Final = pytest.param("cluster_url", id="cluster", marks=pytest.mark.redis)
"""The same for a Redis Cluster, which is held to the contract, and to what kills and schedules ask of a store."""


@pytest.fixture(params=SERVED)
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of each store in turn that several processes can share; take a `namespace` of your own in it."""
    return str(request.getfixturevalue(request.param))
