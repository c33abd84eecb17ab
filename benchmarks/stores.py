"""The stores that are measured, each on a server or file of the measurement's own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.postgres_server import PostgresServer
from tests.servers import RedisServer

_numbers: Final = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """Where one measurement happens: a store's URL, and a namespace in it that nothing else uses."""

    url: str
    namespace: str

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a process that works there."""
        return {**os.environ, "STEM_BROKER_URL": self.url, "STEM_WORKER_NAMESPACE": self.namespace, **more}

    @property
    def is_in_process(self) -> bool:
        """Whether no other process can reach it."""
        return self.url.startswith("memory:")


@dataclass(frozen=True)
class Store:
    """A store under measurement."""

    name: str
    url: str

    def place(self) -> Place:
        """Return a place in it where nothing has happened yet."""
        return Place(self.url, f"bench{next(_numbers)}")


@contextmanager
def valkey(folder: Path) -> Iterator[Store]:
    """Run the Valkey server that comes with the test dependencies, without persistence."""
    server = RedisServer(folder / "valkey").start()
    try:
        yield Store("valkey", server.url)
    finally:
        server.kill()


@contextmanager
def memory(_folder: Path) -> Iterator[Store]:
    """Use this process's own memory; the worker is a thread of it."""
    yield Store("memory", "memory://bench")


@contextmanager
def sqlite(folder: Path) -> Iterator[Store]:
    """Use one file, as durable as it is by default."""
    yield Store("sqlite", f"sqlite:///{folder / 'bench.db'}")


@contextmanager
def postgres(_folder: Path) -> Iterator[Store]:
    """Run the Postgres server that comes with the test dependencies; what it has committed is on the disk."""
    server = PostgresServer(settings={"fsync": "on"})
    try:
        yield Store("postgres", server.start().url)
    finally:
        server.remove()


STORES: Final = {"memory": memory, "sqlite": sqlite, "valkey": valkey, "postgres": postgres}
