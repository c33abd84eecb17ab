"""Which servers are accepted, and what is said of the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stem_core.errors import BrokerUnavailableError, ConfigurationError, StemError
from stem_core.stores import connect_backend, connect_broker
from stem_core.stores.port import KeptRecord
from stem_core.stores.redis import RedisResultBackend, RedisStreamsBroker
from stem_core.stores.redis.checks import check_eviction, check_facts, facts_of, persistence_warning
from stem_core.stores.redis.opening import open_connection
from stem_core.testing.contract.harness import publish, settle, take
from tests.servers import RedisServer, free_port


async def refused(url: str, kind: type[StemError]) -> str:
    with pytest.raises(kind) as caught:
        await connect_broker(url)
    return str(caught.value)


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    said = await refused(f"redis://ann:hunter2@127.0.0.1:{free_port()}/0", BrokerUnavailableError)
    assert "127.0.0.1" in said
    assert "hunter2" not in said


async def test_a_wrong_password_is_the_operators_to_mend(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "locked", options=("--requirepass", "right"))
    server.start()
    try:
        said = await refused(f"redis://:wrong-one@127.0.0.1:{server.port}/0", ConfigurationError)
        assert "wrong-one" not in said
        await refused(server.url, ConfigurationError)
        broker = await connect_broker(f"redis://:right@127.0.0.1:{server.port}/0")
        assert "right" not in broker.location
        await broker.close()
    finally:
        server.kill()


@pytest.mark.redis
async def test_a_database_that_does_not_exist_is_named(redis_server: RedisServer) -> None:
    assert "database" in await refused(f"redis://127.0.0.1:{redis_server.port}/99", ConfigurationError)


async def test_a_server_that_is_no_redis_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "protocol" in await refused(f"redis://127.0.0.1:{port}", ConfigurationError)


@pytest.mark.parametrize("url", ["localhost:6379", "", "http://x", "redis://h:port/0", "redis://h/zero", "://"])
async def test_what_is_no_url_of_a_store_is_refused(url: str) -> None:
    await refused(url, ConfigurationError)


async def test_a_server_that_throws_keys_away_is_refused_unless_told_otherwise(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "cache", options=("--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru"))
    server.start()
    try:
        said = await refused(server.url, ConfigurationError)
        assert "allkeys-lru" in said
        assert "?eviction=allow" in said
        broker = await connect_broker(f"{server.url}?eviction=allow")
        assert "eviction" not in broker.location
        await publish(broker)
        await broker.close()
    finally:
        server.kill()


@pytest.mark.redis
async def test_a_server_that_keeps_nothing_on_disk_is_warned_of(tmp_path: Path, redis_server: RedisServer) -> None:
    async with await RedisStreamsBroker.connect(redis_server.url) as broker:
        (warning,) = broker.warnings
        assert "keeps nothing on disk" in warning
    snapshots = RedisServer(tmp_path / "rdb", options=("--save", "60 1"))
    for server in (RedisServer(tmp_path / "aof", aof=True), snapshots):
        server.start()
        try:
            async with await RedisStreamsBroker.connect(server.url) as broker:
                assert broker.warnings == ()
        finally:
            server.kill()


@pytest.mark.redis
async def test_a_managed_server_that_tells_little_is_used(tmp_path: Path, namespace: str) -> None:
    server = RedisServer(tmp_path / "managed", options=("--rename-command", "CONFIG", "")).start()
    try:
        async with await RedisStreamsBroker.connect(server.url, namespace) as broker:
            assert broker.warnings == ()
            assert len(await publish(broker, 2)) == 2
    finally:
        server.kill()
    little = {"redis_version": "7.2.4"}
    check_facts("redis://h", little)
    check_eviction("redis://h", little)
    assert persistence_warning("redis://h", little, None) is None


def test_an_old_server_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"6\.2\.14"):
        check_facts("redis://h", facts_of(b"# Server\r\nredis_version:6.2.14\r\n"))
    check_facts("redis://h", facts_of(b"redis_version:7.0.0\r\n"))


@pytest.mark.redis
async def test_the_lease_is_a_setting_of_the_namespace(redis_server: RedisServer, namespace: str) -> None:
    leases = []
    for wanted in (None, 3.5, None):
        async with await RedisStreamsBroker.connect(redis_server.url, namespace, wanted) as broker:
            leases.append(await broker.lease())
    assert leases == [15.0, 3.5, 3.5]
    with pytest.raises(ConfigurationError, match="lease"):
        await RedisStreamsBroker.connect(redis_server.url, namespace, 0.0)


@pytest.mark.redis
async def test_a_namespace_is_checked_before_it_becomes_a_key(redis_server: RedisServer) -> None:
    with pytest.raises(ConfigurationError, match="namespace"):
        await connect_broker(redis_server.url, namespace="a}b")


@pytest.mark.redis
async def test_broker_and_backend_of_one_url_are_one_store(redis_server: RedisServer, namespace: str) -> None:
    async with (
        await RedisStreamsBroker.connect(redis_server.url, namespace) as broker,
        await RedisResultBackend.connect(redis_server.url, namespace) as same,
        await RedisResultBackend.connect(redis_server.url.replace("/0", "/1"), namespace) as other,
    ):
        assert same.location == broker.location
        assert other.location != broker.location
        (task_id,) = await publish(broker)
        await settle(broker, await take(broker))
        assert (await same.get([task_id]))[0] is not None
        assert await other.get([task_id]) == [None]
        await other.put([KeptRecord(task_id, "default", b"{}", 10.0, 1)])
        assert await other.get([task_id]) == [b"{}"]


@pytest.mark.redis
async def test_closing_twice_is_once_and_needs_no_server(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "gone").start()
    broker = await RedisStreamsBroker.connect(server.url)
    await publish(broker)
    await take(broker)
    server.kill()
    await broker.close()
    await broker.close()


@pytest.mark.redis
async def test_two_namespaces_share_nothing(redis_server: RedisServer, namespace: str) -> None:
    async with (
        await RedisStreamsBroker.connect(redis_server.url, f"{namespace}a") as one,
        await RedisStreamsBroker.connect(redis_server.url, f"{namespace}b") as two,
    ):
        await publish(one)
        assert await take(two) == []
        assert await two.queues() in ([], ["q"])
        assert len(await take(one)) == 1


async def test_memory_is_one_store_within_the_process(namespace: str) -> None:
    broker = await connect_broker("memory://", namespace=namespace)
    again = await connect_broker("memory://", namespace=namespace)
    await publish(broker)
    held = await take(again)
    await settle(again, held)
    backend = await connect_backend("memory://", namespace=namespace)
    assert backend.location == broker.location
    assert (await backend.get([held[0].id]))[0] is not None
    other = await connect_broker("memory://", namespace=f"{namespace}-other")
    assert await other.queues() == []


async def test_a_call_that_is_cancelled_at_any_moment_is_cancelled(redis_url: str) -> None:
    connection = await open_connection(redis_url, None)

    async def both() -> None:
        await connection.command("PING")
        await connection.commands([("PING",), ("PING",)])

    moments = 0
    while moments < 100:
        moments += 1
        call = asyncio.ensure_future(both())
        for _ in range(moments):
            await asyncio.sleep(0)
        if not call.cancel():
            break
        await asyncio.wait([call])
        assert call.cancelled(), f"after {moments} turns of the loop"
    await connection.close()
    assert moments > 5
