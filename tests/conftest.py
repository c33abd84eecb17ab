"""What every test may rely on."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres_server import PostgresServer
from tests.servers import RedisServer

for variable in [name for name in os.environ if name == "NO_COLOR" or name.startswith("STEM_")]:
    if not variable.startswith("STEM_TEST_"):
        del os.environ[variable]

settings.register_profile("stem", deadline=None, max_examples=60)
settings.load_profile("stem")


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
