"""Connections that are secured, and what is said when they cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stem_core.client import ClusterClient
from stem_core.config import StemConfig
from stem_core.delivery import Settled
from stem_core.errors import ConfigurationError
from stem_core.stores import connect_backend, connect_broker
from stem_core.testing.contract.harness import publish, settle, take
from stem_core.tls import TlsConfig
from tests.redis_topologies import TlsServer
from tests.servers import RedisServer

pytestmark = pytest.mark.redis


@contextmanager
def tls_server_at(directory: Path, **options: object) -> Iterator[TlsServer]:
    server = TlsServer(directory, **options)
    try:
        yield server.start()
    finally:
        server.end()


async def refused(url: str, tls: TlsConfig | None) -> str:
    """Return the one line that is said."""
    async with asyncio.timeout(5.0):
        with pytest.raises(ConfigurationError) as caught:
            await connect_broker(url, tls=tls)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_a_verified_server_is_used_for_everything(tls_server: TlsServer, namespace: str) -> None:
    tls = TlsConfig(ca_cert=tls_server.ca_cert)
    broker = await connect_broker(tls_server.url, namespace=namespace, tls=tls)
    (task_id,) = await publish(broker)
    held = await take(broker, wait=1.0)
    assert await asyncio.to_thread(broker.renew, held) == [True]
    assert await settle(broker, held) == [Settled.COMMITTED]
    backend = await connect_backend(tls_server.url, namespace=namespace, tls=tls)
    assert (await backend.get([task_id]))[0] is not None
    assert not any("verified" in warning for warning in broker.warnings)
    await backend.close()
    await broker.close()


async def test_an_authority_that_nobody_knows_is_refused(tls_server: TlsServer, tmp_path: Path) -> None:
    said = await refused(tls_server.url, None)
    assert "certificate" in said
    assert "STEM_TLS_CA_CERT" in said
    other = TlsServer(tmp_path / "other")
    assert "certificate" in await refused(tls_server.url, TlsConfig(ca_cert=other.ca_cert))


async def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    with tls_server_at(tmp_path, host="elsewhere.example") as server:
        said = await refused(server.url, TlsConfig(ca_cert=server.ca_cert))
        assert "127.0.0.1" in said
        assert "IP address mismatch" in said


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    with tls_server_at(tmp_path, expired=True) as server:
        assert "expired" in await refused(server.url, TlsConfig(ca_cert=server.ca_cert))


async def test_a_server_that_asks_for_a_certificate_is_shown_one(tmp_path: Path, namespace: str) -> None:
    with tls_server_at(tmp_path, ask_clients=True) as server:
        assert "STEM_TLS_CLIENT_CERT" in await refused(server.url, TlsConfig(ca_cert=server.ca_cert))
        cert, key = server.issue("worker.example")
        tls = TlsConfig(ca_cert=server.ca_cert, client_cert=cert, client_key=key)
        broker = await connect_broker(server.url, namespace=namespace, tls=tls)
        await publish(broker)
        assert await asyncio.to_thread(broker.renew, await take(broker)) == [True]
        await broker.close()
        mixed = TlsConfig(ca_cert=server.ca_cert, client_cert=cert, client_key=server.ca_cert)
        assert "STEM_TLS_CLIENT_KEY" in await refused(server.url, mixed)


async def test_insecure_connects_to_anyone_and_says_so(tmp_path: Path, namespace: str) -> None:
    with tls_server_at(tmp_path, host="elsewhere.example", expired=True) as server:
        broker = await connect_broker(server.url, namespace=namespace, tls=TlsConfig(allow_insecure=True))
        assert any("not verified" in warning for warning in broker.warnings)
        await publish(broker)
        assert await asyncio.to_thread(broker.renew, await take(broker)) == [True]
        await broker.close()


async def test_a_result_backend_that_is_not_verified_is_warned_of_though_the_broker_needs_no_tls(
    tmp_path: Path, namespace: str
) -> None:
    with tls_server_at(tmp_path, host="elsewhere.example", expired=True) as server:
        config = StemConfig(
            broker_url="memory://plain", result_backend_url=server.url, namespace=namespace, tls_allow_insecure=True
        )
        async with await ClusterClient.connect(config) as cluster:
            assert not any("not verified" in warning for warning in cluster.broker.warnings)
            assert any("not verified" in warning for warning in cluster.warnings)


async def test_tls_settings_do_not_matter_to_a_url_without_tls(redis_server: RedisServer, namespace: str) -> None:
    for url in (redis_server.url, "memory://tls"):
        broker = await connect_broker(url, namespace=namespace, tls=TlsConfig(allow_insecure=True))
        assert not any("verified" in warning for warning in broker.warnings)
        await broker.close()


async def test_a_server_without_tls_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"-ERR Protocol error\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        said = await refused(f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}", None)
        assert "does not speak TLS" in said


async def test_files_that_hold_something_else_are_named(tls_server: TlsServer, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    assert "STEM_TLS_CA_CERT" in await refused(tls_server.url, TlsConfig(ca_cert=str(nonsense)))
    assert "STEM_TLS_CLIENT_CERT" in await refused(tls_server.url, TlsConfig(client_cert=str(nonsense)))
