"""What holds when Redis fails, beside what every server is held to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import redis

from stem_core.delivery import Outcome, Revocation, Settled
from stem_core.errors import BrokerError, BrokerFullError, BrokerUnavailableError, StemError
from stem_core.stores.port import Broker
from stem_core.stores.redis import RedisStreamsBroker
from stem_core.stores.redis.connection import Call
from stem_core.stores.redis.keys import queue_prefix
from stem_core.stores.redis.opening import open_connection
from stem_core.testing.contract.harness import job, outcome, publish, record, settle, stats, take, until
from tests.servers import RedisServer

pytestmark = pytest.mark.redis


@pytest.fixture
async def broker(private_redis: RedisServer) -> AsyncIterator[Broker]:
    async with await RedisStreamsBroker.connect(private_redis.url, lease=0.3) as broker:
        yield broker


@pytest.fixture
def small_redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "small", options=("--maxmemory", "6mb", "--maxmemory-policy", "noeviction")).start()
    yield server
    server.kill()


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


async def test_an_outcome_that_fails_holds_up_none_of_its_batch_and_queues_no_retry_twice(
    redis_url: str, namespace: str
) -> None:
    async with await RedisStreamsBroker.connect(redis_url, namespace=namespace) as broker:
        ids = await publish(broker, 3)
        held = await take(broker)
        kinds = (Outcome.RETRY, Outcome.DEAD, Outcome.SUCCEEDED)
        batch = [outcome(delivery, kind) for delivery, kind in zip(held, kinds, strict=True)]
        with redis.Redis.from_url(redis_url) as admin:
            admin.set(f"{queue_prefix(namespace, 'q')}dead", "somebody else's")
            for _ in range(3):
                with pytest.raises(BrokerError, match="WRONGTYPE"):
                    await broker.settle(batch)
            assert await broker.results().get(ids) == [None, None, batch[2].record]
            again = await take(broker, owner="w2")
            assert [(delivery.id, delivery.attempt) for delivery in again] == [(ids[0], 1)]
            admin.delete(f"{queue_prefix(namespace, 'q')}dead")
        assert await broker.settle(batch) == [Settled.GONE, Settled.COMMITTED, Settled.GONE]
        figures = await stats(broker)
        assert (figures.retried, figures.failed, figures.succeeded, figures.inflight) == (1, 1, 1, 1)


async def test_a_server_that_takes_no_writes_for_want_of_replicas_is_tried_again_and_not_blamed_on_what_it_is_given(
    broker: Broker, private_redis: RedisServer
) -> None:
    await publish(broker)
    held = await take(broker)
    with redis.Redis.from_url(private_redis.url) as admin:
        admin.config_set("min-replicas-to-write", 1)
        with pytest.raises(BrokerUnavailableError, match="takes no writes now: NOREPLICAS"):
            await settle(broker, held)
        admin.config_set("min-replicas-to-write", 0)
    assert await settle(broker, held) == [Settled.COMMITTED]


async def test_who_held_more_on_a_server_that_was_away_is_known_once_it_is_back(
    redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await open_connection(redis_url, None)
    try_many, is_away = connection.try_many, True

    async def reached(calls: Sequence[Call]) -> list[object]:
        lost = [is_away and call.keys[0] == queue_prefix(namespace, "far") for call in calls]
        replies = iter(await try_many([call for call, is_lost in zip(calls, lost, strict=True) if not is_lost]))
        return [BrokerUnavailableError("away") if is_lost else next(replies) for is_lost in lost]

    async with RedisStreamsBroker(connection, namespace, 0.1) as broker:
        await publish(broker, queue="near")
        await publish(broker, queue="far")
        assert len(await take(broker, owner="w1", queues=("near", "far"))) == 2
        monkeypatch.setattr(connection, "try_many", reached)

        async def is_ready(queue: str) -> bool:
            await broker.upkeep(["near", "far"])
            return bool([place for place in await broker.waiting(queue, 1) if place.where == "ready"])

        await until(lambda: is_ready("near"))
        is_away = False
        await until(lambda: is_ready("far"))
        again = await take(broker, owner="w2", queues=("near", "far"))
        assert [(delivery.crashes, delivery.deliveries) for delivery in again] == [(0, 2)] * 2


async def test_revocations_are_looked_through_once_for_hundreds_and_not_for_each(
    redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await open_connection(redis_url, None)
    try_many, asked = connection.try_many, Counter[str]()

    async def counted(calls: Sequence[Call]) -> list[object]:
        asked.update(call.name for call in calls)
        return await try_many(calls)

    monkeypatch.setattr(connection, "try_many", counted)
    async with RedisStreamsBroker(connection, namespace, 5.0) as broker:
        ids = await publish(broker, 600)
        (held,) = await take(broker, 1)
        until_then = await broker.time() + 60
        wanted = [Revocation(id=task_id, by="ann", until=until_then) for task_id in [*ids, "unknown", ids[1]]]
        records = {task_id: record(held).replace(held.body, b"null") for task_id in ids}
        answers = await broker.revoke(wanted, records)
        assert answers == ["pending", *["cancelled"] * 599, "pending", "ended"]
        assert asked["revoke"] == 2
        assert {each.id for each in await broker.revoked([*ids, "unknown"])} == {ids[0], "unknown"}
        assert (await stats(broker)).cancelled == 599
