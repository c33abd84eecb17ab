"""Redis beyond one node, started for tests on loopback: a cluster, a pair watched by sentinels, a server with TLS."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

import pytest
import redis
import trustme

from stem_core.stores.redis.slots import slot_of
from tests.servers import RedisServer, free_port

_SLOTS: Final = 16384
_REPLICATE_AT_ONCE: Final = ("--repl-diskless-sync-delay", "0")
_APART: Final = 64
_BUS: Final = 10000
"""A cluster's servers talk to each other on their port plus this."""


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so; a server that does not answer yet is not yet so."""
    end = time.monotonic() + seconds
    while not _holds(condition):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except redis.RedisError:
        return False


def cluster_port() -> int:
    """Return a free port of loopback whose bus port is free too."""
    # Far from those of the other test processes, which look at the same moment: between looking and binding is a gap.
    for port in range(20000 + os.getpid() * _APART % 20000, 45000):
        with socket.socket() as probe, socket.socket() as bus:
            try:
                probe.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + _BUS))
            except OSError:
                continue
            return port
    raise RuntimeError("no two ports are free")


def debian_redis() -> Path:
    """Return Debian's Redis 7, or skip the test: the wheel's server has no TLS, and is of another kind."""
    named = os.environ.get("STEM_TEST_REDIS7_SERVER") or shutil.which("redis-server")
    if not named:
        pytest.skip("needs Redis 7 with TLS: install redis-server (Debian: apt-get install redis-server)")
    return Path(named)


class RedisCluster3:
    """Three servers that share the slots; with a replica of the first, if wanted.

    Args:
        directory: Where data and logs lie.
        replica: Whether there is a fourth server, which takes over when the first fails.
    """

    def __init__(self, directory: Path, *, replica: bool = False) -> None:
        # A busy machine shall not be taken for a server that died, but for one test's, which wait for a failover.
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000" if replica else "15000"]
        # Without it, all would refuse all work as soon as one is down.
        options += ["--cluster-require-full-coverage", "no", *_REPLICATE_AT_ONCE]
        count = 4 if replica else 3
        self.servers = [RedisServer(directory / f"node{number}", options=options) for number in range(count)]

    @property
    def url(self) -> str:
        """The URL, which names two of the servers."""
        return f"redis+cluster://127.0.0.1:{self.servers[1].port},127.0.0.1:{self.servers[2].port}"

    def client(self, number: int) -> redis.Redis:
        """Return a client of one server."""
        return redis.Redis(port=self.servers[number].port)

    def start(self) -> Self:
        """Start all and wait until they agree."""
        for server in self.servers:
            server.port = cluster_port()
            server.start()
            # Another test's cluster may still look for a server that had this port.
            self.client(self.servers.index(server)).execute_command("CLUSTER", "RESET", "HARD")
        first, *others = [self.client(number) for number in range(len(self.servers))]
        for number, client in enumerate((first, *others)):
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < 3:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", number * _SLOTS // 3, (number + 1) * _SLOTS // 3 - 1)
        for server in self.servers[1:]:
            first.execute_command("CLUSTER", "MEET", "127.0.0.1", server.port)
        until(lambda: all(_agrees(client, len(self.servers)) for client in (first, *others)))
        if len(self.servers) > 3:
            replica = others[-1]
            replica.execute_command("CLUSTER", "REPLICATE", first.execute_command("CLUSTER", "MYID"))
            until(lambda: replica.info("replication")["master_link_status"] == "up")
            until(lambda: all(_replicas(client) == 1 for client in (first, *others)))
        return self

    def end(self) -> None:
        """End all."""
        for server in self.servers:
            server.kill()


def queues_on_each(namespace: str) -> list[str]:
    """Return a queue for each of the three servers of a cluster, in their order."""
    found: dict[int, str] = {}
    for number in range(1000):
        found.setdefault(_server_of(f"{{stem:{namespace}:q{number}}}:"), f"q{number}")
    return [found[server] for server in range(3)]


def home_of(namespace: str) -> int:
    """Return the number of the server that has the namespace's own keys."""
    return _server_of(f"{{stem:{namespace}}}:queues")


def _server_of(key: str) -> int:
    return min(2, slot_of(key) * 3 // _SLOTS)


def _agrees(client: redis.Redis, servers: int) -> bool:
    info = client.execute_command("CLUSTER", "INFO").decode()
    return all(
        fact in info for fact in ("cluster_state:ok", "cluster_slots_ok:16384", f"cluster_known_nodes:{servers}")
    )


def _replicas(client: redis.Redis) -> int:
    return sum(len(entry) - 3 for entry in client.execute_command("CLUSTER", "SLOTS"))


class _SentinelServer(RedisServer):
    """One sentinel; it watches a service called `stem`.

    Args:
        directory: Where its configuration and log lie; made if missing.
        primary: The primary's port.
        quorum: How many sentinels must find the primary silent.
    """

    def __init__(self, directory: Path, primary: int, quorum: int) -> None:
        super().__init__(directory)
        self._rules = (
            f"sentinel monitor stem 127.0.0.1 {primary} {quorum}\n"
            "sentinel down-after-milliseconds stem 500\n"
            "sentinel failover-timeout stem 3000\n"
        )

    def _launch(self, port: int) -> None:
        file = self.directory / "sentinel.conf"
        if not file.exists():
            file.write_text(f"port {port}\nbind 127.0.0.1\ndir {self.directory}\n{self._rules}")
        self._run([str(self.binary), str(file), "--sentinel"])


class SentinelPair:
    """A primary and its replica, and three sentinels of which two must agree.

    Args:
        directory: Where data, configurations and logs lie.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.primary = RedisServer(directory / "primary", aof=True, options=_REPLICATE_AT_ONCE)
        self.replica = RedisServer(directory / "replica", aof=True, options=_REPLICATE_AT_ONCE)
        self.sentinels: list[RedisServer] = []

    @property
    def url(self) -> str:
        """The URL, which names all sentinels."""
        return f"redis+sentinel://{','.join(f'127.0.0.1:{sentinel.port}' for sentinel in self.sentinels)}/stem"

    def start(self) -> Self:
        """Start all and wait until each sentinel knows the others and the replica."""
        self.primary.start()
        self.replica.start()
        with redis.Redis(port=self.replica.port) as replica:
            replica.execute_command("REPLICAOF", "127.0.0.1", self.primary.port)
            until(lambda: replica.info("replication")["master_link_status"] == "up")
        for number in range(3):
            sentinel = _SentinelServer(self._directory / f"sentinel{number}", self.primary.port, quorum=2)
            self.sentinels.append(sentinel.start())
        for sentinel in self.sentinels:
            with redis.Redis(port=sentinel.port) as client:
                until(lambda client=client: _knows_all(client))
        return self

    def end(self) -> None:
        """End all."""
        for server in (*self.sentinels, self.replica, self.primary):
            server.kill()


def _knows_all(sentinel: redis.Redis) -> bool:
    state = sentinel.sentinel_master("stem")
    return bool(state["num-slaves"] == 1 and state["num-other-sentinels"] == 2)


class TlsServer:
    """Debian's Redis 7 with TLS, and the authority that signed its certificate.

    Args:
        directory: Where certificates, data and log lie.
        ask_clients: Whether clients must show a certificate of the same authority.
        host: Whom the certificate is made out for.
        expired: Whether it has run out.
    """

    def __init__(
        self, directory: Path, *, ask_clients: bool = False, host: str = "127.0.0.1", expired: bool = False
    ) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._authority = trustme.CA()
        self.ca_cert = self._written("ca.pem", self._authority.cert_pem)
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        past = {"not_before": long_ago, "not_after": long_ago + timedelta(days=1)} if expired else {}
        cert, key = self.issue(host, **past)
        self.port = free_port()
        options = ["--tls-port", str(self.port), "--tls-cert-file", cert, "--tls-key-file", key]
        options += ["--tls-ca-cert-file", self.ca_cert, "--tls-auth-clients", "yes" if ask_clients else "no"]
        self._server = RedisServer(directory / "data", options=options, binary=debian_redis())

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"rediss://127.0.0.1:{self.port}/0"

    def issue(self, name: str, **times: datetime) -> tuple[str, str]:
        """Return paths of a certificate that the authority signed, and of its key."""
        issued = self._authority.issue_cert(name, **times)
        (chain,) = issued.cert_chain_pems
        return self._written(f"{name}.pem", chain), self._written(f"{name}.key", issued.private_key_pem)

    def start(self) -> Self:
        """Start it."""
        self._server.start()
        return self

    def end(self) -> None:
        """End it."""
        self._server.kill()

    def _written(self, name: str, blob: trustme.Blob) -> str:
        path = self._directory / name
        blob.write_to_path(path)
        return str(path)
