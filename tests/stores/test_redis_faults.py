"""What holds when the server, or the way to it, fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from stem_core.delivery import Settled
from stem_core.errors import BrokerError, BrokerFullError, BrokerUnavailableError, StemError
from stem_core.stores.port import FROM_START, Broker
from stem_core.stores.redis import RedisStreamsBroker
from stem_core.stores.redis.scripts import script
from stem_core.testing.contract.harness import job, publish, settle, stats, take, until
from tests.servers import RedisServer
from tests.stores.proxy import Proxy

pytestmark = pytest.mark.redis


@pytest.fixture
async def broker(private_redis: RedisServer) -> AsyncIterator[Broker]:
    async with await RedisStreamsBroker.connect(private_redis.url, lease=0.3) as broker:
        yield broker


@pytest.fixture
async def proxy(redis_server: RedisServer) -> AsyncIterator[Proxy]:
    async with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
async def shaky(proxy: Proxy, namespace: str) -> AsyncIterator[Broker]:
    """A broker behind a link that can be cut; the server knows its scripts, so that a cut call did its work."""
    async with await RedisStreamsBroker.connect(proxy.url, namespace) as broker:
        await publish(broker, queue="before")
        await settle(broker, await take(broker, queues=("before",)))
        yield broker


@pytest.fixture
def small_redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "small", options=("--maxmemory", "6mb", "--maxmemory-policy", "noeviction")).start()
    yield server
    server.kill()


def script_calls(name: str, times: int = 1) -> object:
    """Return a test of requests: true for the first few calls of that script."""
    left = [times]
    sha = script(name).sha.encode()

    def is_one(request: bytes) -> bool:
        if sha not in request or not left[0]:
            return False
        left[0] -= 1
        return True

    return is_one


async def test_nothing_is_lost_when_the_server_is_killed_and_comes_back(
    broker: Broker, private_redis: RedisServer
) -> None:
    ids = await publish(broker, 20)
    delayed = await publish(broker, 3, delay=0.2)
    held = await take(broker, 5)
    await broker.append("t", [b"frame"])
    await asyncio.to_thread(private_redis.restart)
    assert await asyncio.to_thread(broker.renew, held) == [True] * 5
    assert await settle(broker, held) == [Settled.COMMITTED] * 5
    assert len(await broker.read({"t": FROM_START}, 10, 0.0)) == 1
    rest: list[str] = []

    async def all_found() -> bool:
        await broker.upkeep(["q"])
        found = await take(broker)
        await settle(broker, found)
        rest.extend(delivery.id for delivery in found)
        return len(rest) == 18

    await until(all_found)
    assert sorted(rest) == sorted([*ids[5:], *delayed])
    assert (await stats(broker)).succeeded == 23


async def test_a_waiting_fetch_reports_the_death_of_the_server_and_works_after_it(
    broker: Broker, private_redis: RedisServer
) -> None:
    waiting = asyncio.ensure_future(take(broker, wait=10.0))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(private_redis.kill)
    with pytest.raises(BrokerUnavailableError):
        await waiting
    for call in (publish(broker), stats(broker), take(broker), broker.queues()):
        with pytest.raises(BrokerUnavailableError):
            await call
    await asyncio.to_thread(private_redis.start)
    await publish(broker)
    assert len(await take(broker)) == 1


async def test_every_call_works_at_once_after_a_restart_without_data(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "forgetful").start()
    try:
        async with await RedisStreamsBroker.connect(server.url) as broker:
            held = await _use(broker)
            await asyncio.to_thread(server.restart)
            assert await asyncio.to_thread(broker.renew, held) == [False]
            assert await settle(broker, held) == [Settled.GONE]
            await _use(broker)
    finally:
        server.kill()


async def _use(broker: Broker) -> list[object]:
    await publish(broker, 2)
    held = await take(broker, 1)
    assert len(held) == 1
    await broker.upkeep(["q"])
    assert (await stats(broker)).inflight == 1
    return held  # type: ignore[return-value]  # deliveries


async def test_a_flushed_server_is_used_on(broker: Broker, private_redis: RedisServer) -> None:
    await publish(broker, 3)
    held = await take(broker, 1)
    with redis.Redis.from_url(private_redis.url) as admin:
        admin.flushall()
    assert await settle(broker, held) == [Settled.GONE]
    assert await take(broker) == []
    assert await broker.upkeep(["q"]) is not None
    await publish(broker, 2)
    assert len(await take(broker)) == 2


async def test_a_lost_reply_to_publish_adds_nothing_twice(shaky: Broker, proxy: Proxy) -> None:
    proxy.cut_reply_to = script_calls("publish", 3)  # type: ignore[assignment]  # a predicate
    batch = [job() for _ in range(10)]
    await shaky.publish(batch)
    assert proxy.cuts == 3
    assert (await stats(shaky)).published == 10
    assert [delivery.id for delivery in await take(shaky)] == [one.id for one in batch]


async def test_a_lost_reply_to_publish_is_safe_even_if_the_jobs_ended_meanwhile(
    shaky: Broker, proxy: Proxy, redis_server: RedisServer, namespace: str
) -> None:
    proxy.cut_reply_to = script_calls("publish", 1)  # type: ignore[assignment]  # a predicate
    async with await RedisStreamsBroker.connect(redis_server.url, namespace) as worker:
        publishing = asyncio.ensure_future(publish(shaky))
        held = await take(worker, wait=5.0)
        await settle(worker, held, record=None)
        await publishing
        assert await take(worker) == []


async def test_a_lost_reply_to_fetch_loses_no_job(shaky: Broker, proxy: Proxy) -> None:
    ids = await publish(shaky, 10)
    first = await take(shaky, 3)
    proxy.cut_reply_to = script_calls("fetch")  # type: ignore[assignment]  # a predicate
    with pytest.raises(BrokerUnavailableError):
        await take(shaky, 4)
    recovered = await take(shaky, 4)
    assert [delivery.id for delivery in first + recovered] == ids[:7]
    assert [delivery.deliveries for delivery in recovered] == [1] * 4
    assert [delivery.id for delivery in await take(shaky)] == ids[7:]
    assert set(await settle(shaky, first + recovered)) == {Settled.COMMITTED}


async def test_a_lost_reply_to_settle_may_be_sent_again(shaky: Broker, proxy: Proxy) -> None:
    await publish(shaky, 5)
    held = await take(shaky)
    proxy.cut_reply_to = script_calls("settle")  # type: ignore[assignment]  # a predicate
    with pytest.raises(BrokerUnavailableError):
        await settle(shaky, held)
    assert await settle(shaky, held) == [Settled.GONE] * 5
    assert (await stats(shaky)).succeeded == 5


async def test_a_full_server_refuses_new_work_and_drains(small_redis: RedisServer) -> None:
    async with await RedisStreamsBroker.connect(small_redis.url) as broker:
        with pytest.raises(BrokerFullError, match="memory"):
            await _fill(broker)
        before = (await stats(broker)).ready
        assert before > 0
        drained = 0
        while held := await take(broker, 50):
            settled = await settle(broker, held, record=None)
            assert set(settled) == {Settled.COMMITTED}
            drained += len(held)
        assert drained == before
        await publish(broker)


async def _fill(broker: Broker) -> None:
    for _ in range(1000):
        large = [type(one)(one.id, one.queue, 0, one.body + b" " * 10_000) for one in (job() for _ in range(20))]
        await broker.publish(large)


async def test_a_full_server_still_renews_takes_back_and_promotes(small_redis: RedisServer) -> None:
    async with await RedisStreamsBroker.connect(small_redis.url, lease=0.1) as broker:
        await publish(broker, 1, delay=0.1)
        await publish(broker, 2)
        held = await take(broker, 2)
        with pytest.raises(BrokerFullError):
            await _fill(broker)
        await asyncio.to_thread(broker.renew, held)
        await asyncio.sleep(0.15)
        done = await broker.upkeep(["q"])
        assert (done.reclaimed, done.promoted) == (2, 1)


async def test_a_frozen_server_is_reported_and_used_again(private_redis: RedisServer) -> None:
    async with await RedisStreamsBroker.connect(private_redis.url) as broker:
        private_redis.freeze()
        try:
            with pytest.raises(BrokerUnavailableError):
                await asyncio.wait_for(stats(broker), 8.0)
        finally:
            private_redis.thaw()
        await publish(broker)
        assert len(await take(broker)) == 1


async def test_cancelled_calls_never_mix_up_replies(redis_server: RedisServer, namespace: str) -> None:
    async with await RedisStreamsBroker.connect(redis_server.url, namespace) as broker:
        await publish(broker, 3)
        for number in range(60):
            call = asyncio.ensure_future(stats(broker))
            for _ in range(number % 6):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert await broker.queues() == ["q"]
            assert (await stats(broker)).ready == 3


async def test_a_drained_queue_leaves_nothing_behind(redis_server: RedisServer, namespace: str) -> None:
    async with await RedisStreamsBroker.connect(redis_server.url, namespace) as broker:
        for kind in ("plain", "delayed"):
            await publish(broker, 20, delay=0.01 if kind == "delayed" else 0.0)
        await asyncio.sleep(0.05)
        await broker.upkeep(["q"])
        held = await take(broker)
        await broker.begin(held)
        await settle(broker, held, record=None)
    with redis.Redis.from_url(redis_server.url) as admin:
        left = {key.decode().split("}:")[1].split(":")[0] for key in admin.keys(f"{{stem:{namespace}*")}
        assert left <= {"levels", "counters", "bell", "marker", "s0", "queues", "lease"}
        stream = f"{{stem:{namespace}:q}}:s0"
        assert admin.xlen(stream) == 0
        assert admin.xpending(stream, "g")["pending"] == 0
        assert admin.xinfo_consumers(stream, "g") == []


async def test_every_error_is_the_ports_own(broker: Broker, private_redis: RedisServer) -> None:
    await publish(broker)
    with redis.Redis.from_url(private_redis.url) as admin:
        admin.set("{stem:stem:q}:levels", "spoilt")
    for call in (publish(broker), take(broker), stats(broker), broker.upkeep(["q"])):
        with pytest.raises(BrokerError) as caught:
            await call
        assert isinstance(caught.value, StemError)


async def test_a_password_that_is_changed_is_an_outage_until_it_is_changed_back(private_redis: RedisServer) -> None:
    async with await RedisStreamsBroker.connect(private_redis.url, lease=5.0) as broker:
        await publish(broker, 2)
        held = await take(broker, 1)
        assert await asyncio.to_thread(broker.renew, held) == [True]
        with redis.Redis.from_url(private_redis.url) as client:
            client.config_set("requirepass", "new")
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            for _ in range(2):  # the first may only notice that the connection is gone
                with pytest.raises(BrokerUnavailableError):
                    await settle(broker, held)
            with pytest.raises(BrokerUnavailableError, match="user and password"):
                await asyncio.to_thread(broker.renew, held)
            client.config_set("requirepass", "")
        assert await settle(broker, held) == [Settled.COMMITTED]
