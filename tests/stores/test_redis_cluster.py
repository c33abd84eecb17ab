"""Queues that lie on several servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest
from redis.asyncio.connection import Connection

from stem_core.delivery import Pause, Settled
from stem_core.errors import BrokerUnavailableError, ConfigurationError
from stem_core.stores import connect_broker
from stem_core.stores.port import FROM_START, Broker
from stem_core.stores.redis.scripts import script
from stem_core.stores.redis.slots import slot_of
from stem_core.testing.contract.harness import job, publish, settle, stats, take, take_one, until
from tests.redis_topologies import RedisCluster3, home_of, queues_on_each
from tests.servers import RedisServer

pytestmark = pytest.mark.redis

AT_ONCE = 3.0
"""Seconds in which a busy machine does what is done at once."""


@pytest.fixture
async def broker(redis_cluster: RedisCluster3, namespace: str) -> AsyncIterator[Broker]:
    async with await connect_broker(redis_cluster.url, namespace=namespace) as broker:
        yield broker


@pytest.fixture
def rarely_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who waits for work hear of it or be late: it does not look before `AT_ONCE` is over."""
    monkeypatch.setattr("stem_core.stores.redis.queues.LONGEST_BLOCK", AT_ONCE * 1.5)


def keys_on(cluster: RedisCluster3, namespace: str) -> list[set[str]]:
    """Return what of a namespace lies on each server."""
    return [
        {key.decode() for key in cluster.client(number).scan_iter(f"*stem:{namespace}*", count=1000)}
        for number in range(3)
    ]


async def fill(broker: Broker, queues: Sequence[str], number: int = 2) -> set[str]:
    batch = [job(queue) for queue in queues for _ in range(number)]
    await broker.publish(batch)
    return {one.id for one in batch}


async def test_all_keys_of_a_queue_lie_in_one_slot_and_queues_are_spread(
    broker: Broker, redis_cluster: RedisCluster3, namespace: str
) -> None:
    queues = queues_on_each(namespace)
    for queue in queues:
        await publish(broker, 2, queue)
        await publish(broker, 1, queue, delay=60.0)
        await publish(broker, 1, queue, priority=7)
        await settle(broker, await take(broker, 1, queues=(queue,)))
    await broker.pause(queues, Pause(by="test"))
    slots: dict[str, set[int]] = {}
    found = keys_on(redis_cluster, namespace)
    for number, names in enumerate(found):
        with redis_cluster.client(number) as client:
            for key in names:
                tag = key[1 : key.index("}")]
                slots.setdefault(tag, set()).add(client.execute_command("CLUSTER", "KEYSLOT", key))
    assert {f"stem:{namespace}:{queue}" for queue in queues} <= slots.keys()
    assert all(len(of_tag) == 1 for of_tag in slots.values())
    for queue, names in zip(queues, found, strict=True):
        assert sum(name.startswith(f"{{stem:{namespace}:{queue}}}") for name in names) > 4


async def test_one_fetch_takes_from_queues_on_all_servers(broker: Broker, namespace: str) -> None:
    queues = queues_on_each(namespace)
    ids = await fill(broker, queues)
    held = await take(broker, 10, queues=queues)
    assert {delivery.id for delivery in held} == ids
    assert {delivery.queue for delivery in held} == set(queues)
    assert await asyncio.to_thread(broker.renew, held) == [True] * 6
    assert await settle(broker, held) == [Settled.COMMITTED] * 6
    assert [figures.succeeded for figures in await broker.stats(queues)] == [2, 2, 2]
    records = await broker.results().get(sorted(ids))
    assert None not in records


@pytest.mark.usefixtures("rarely_looks")
async def test_a_waiting_fetch_hears_each_of_its_queues_and_needs_no_new_connection_for_it(
    broker: Broker, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues = queues_on_each(namespace)
    await fill(broker, queues)
    await settle(broker, await take(broker, 10, queues=queues))

    async def round_of_all() -> None:
        for queue in queues:
            waiting = asyncio.ensure_future(take(broker, 10, queues=queues, wait=10.0))
            await asyncio.sleep(0.05)
            (task_id,) = await publish(broker, 1, queue)
            async with asyncio.timeout(AT_ONCE):
                held = await waiting
            assert [delivery.id for delivery in held] == [task_id]
            await settle(broker, held)

    await round_of_all()
    made, connect = 0, Connection._connect

    async def counted(connection: Connection) -> None:
        nonlocal made
        made += 1
        await connect(connection)

    monkeypatch.setattr(Connection, "_connect", counted)
    for _ in range(5):
        await round_of_all()
    assert made < 5  # what a pool may grow by; not one for each ring


@pytest.mark.usefixtures("rarely_looks")
async def test_what_rings_for_a_listener_that_is_gone_wakes_another(broker: Broker, namespace: str) -> None:
    first, second, _ = queues_on_each(namespace)
    waiting = asyncio.ensure_future(take(broker, 1, "early", (first, second), wait=10.0))
    await asyncio.sleep(0.05)
    await publish(broker, 1, first)
    assert len(await waiting) == 1
    other = asyncio.ensure_future(take(broker, 1, "late", (second,), wait=10.0))
    await asyncio.sleep(0.05)
    (task_id,) = await publish(broker, 1, second)  # `early` still listens to that bell, for nobody
    async with asyncio.timeout(AT_ONCE):
        assert [delivery.id for delivery in await other] == [task_id]


@pytest.mark.usefixtures("rarely_looks")
async def test_an_interrupted_wait_on_several_servers_ends_at_once(broker: Broker, namespace: str) -> None:
    waiting = asyncio.ensure_future(take(broker, 1, "w1", queues_on_each(namespace), wait=10.0))
    await asyncio.sleep(0.05)
    broker.interrupt("w1")
    async with asyncio.timeout(AT_ONCE):
        assert await waiting == []


async def test_servers_that_forgot_the_scripts_are_taught_again(
    broker: Broker, redis_cluster: RedisCluster3, namespace: str
) -> None:
    queues = queues_on_each(namespace)
    ids = await fill(broker, queues)
    for number in range(3):
        redis_cluster.client(number).script_flush()
    held = await take(broker, 10, queues=queues)
    assert {delivery.id for delivery in held} == ids
    for number in range(3):
        redis_cluster.client(number).script_flush()
    assert await asyncio.to_thread(broker.renew, held) == [True] * 6
    assert redis_cluster.client(0).script_exists(script("renew").sha) == [True]


async def test_a_slot_that_moves_takes_its_queue_along(private_cluster: RedisCluster3, namespace: str) -> None:
    queue = queues_on_each(namespace)[0]
    slot = slot_of(f"{{stem:{namespace}:{queue}}}:")
    source, target = private_cluster.client(0), private_cluster.client(1)
    source_id, target_id = (client.execute_command("CLUSTER", "MYID") for client in (source, target))
    async with await connect_broker(private_cluster.url, namespace=namespace) as broker:
        ids = await publish(broker, 5, queue)
        (held,) = await take(broker, 1, queues=(queue,))
        target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        late = asyncio.ensure_future(publish(broker, 1, queue))
        try:
            await broker.resume([queue])  # one key, which may be on either side
            first, *others = source.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000)
            source.execute_command("MIGRATE", "127.0.0.1", private_cluster.servers[1].port, first, 0, 5000)
            with pytest.raises(BrokerUnavailableError, match=f"moving slot {slot}"):
                await stats(broker, queue)
            for key in others:
                source.execute_command("MIGRATE", "127.0.0.1", private_cluster.servers[1].port, key, 0, 5000)
        finally:
            for client in (target, source):
                client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        ids += await late
        assert await settle(broker, [held]) == [Settled.COMMITTED]
        rest = await take(broker, 10, queues=(queue,))
        assert {delivery.id for delivery in [held, *rest]} == set(ids)
        assert await asyncio.to_thread(broker.renew, rest) == [True] * 5


async def test_a_dead_server_does_not_stop_the_queues_of_others(private_cluster: RedisCluster3, namespace: str) -> None:
    queues = queues_on_each(namespace)
    async with await connect_broker(private_cluster.url, namespace=namespace) as broker:
        dead = next(number for number in (1, 2) if number != home_of(namespace))
        ids = await fill(broker, queues)
        await settle(broker, await take(broker, 3, queues=queues))
        private_cluster.servers[dead].kill()
        held = await take(broker, 10, queues=queues)
        assert {delivery.queue for delivery in held} == {queue for queue in queues if queue != queues[dead]}
        assert await settle(broker, held) == [Settled.COMMITTED] * 2
        with pytest.raises(BrokerUnavailableError):
            await publish(broker, 1, queues[dead])
        (again,) = await publish(broker, 1, queues[0])
        waited = await take(broker, 10, queues=queues, wait=2.0)
        assert [delivery.id for delivery in waited] == [again]
        assert again not in ids


async def test_what_lies_elsewhere_is_found_although_a_server_is_dead(
    private_cluster: RedisCluster3, namespace: str
) -> None:
    queues = queues_on_each(namespace)
    async with await connect_broker(private_cluster.url, namespace=namespace) as broker:
        dead = next(number for number in (1, 2) if number != home_of(namespace))
        ids = [(await publish(broker, 1, queue))[0] for queue in queues]
        await settle(broker, await take(broker, 3, queues=queues))
        private_cluster.servers[dead].kill()
        living = [each for number, each in enumerate(ids) if number != dead]
        assert None not in await broker.results().get(living)
        with pytest.raises(BrokerUnavailableError):
            await broker.results().get(ids)


async def test_a_frozen_server_holds_calls_up_once_and_is_used_again_soon_after_it_thaws(
    private_cluster: RedisCluster3, namespace: str
) -> None:
    queues = queues_on_each(namespace)
    async with await connect_broker(private_cluster.url, namespace=namespace) as broker:
        frozen = next(number for number in (1, 2) if number != home_of(namespace))
        living = [queue for number, queue in enumerate(queues) if number != frozen]
        await fill(broker, queues)
        private_cluster.servers[frozen].freeze()
        try:
            first = await take(broker, 3, queues=queues)
            began = time.perf_counter()
            second = await take(broker, 10, queues=queues)
            with pytest.raises(BrokerUnavailableError, match="stopped answering"):
                await stats(broker, queues[frozen])
            assert await asyncio.to_thread(broker.renew, first + second) == [True] * 4
            assert time.perf_counter() - began < AT_ONCE  # who asked the frozen one anew would wait for 5 s
            assert {delivery.queue for delivery in first + second} == set(living)
        finally:
            private_cluster.servers[frozen].thaw()
        thawed = time.perf_counter()

        async def answers() -> bool:
            with suppress(BrokerUnavailableError):
                return (await stats(broker, queues[frozen])).ready + (await stats(broker, queues[frozen])).inflight == 2
            return False

        await until(answers)
        assert time.perf_counter() - thawed < 3.0 + AT_ONCE
        assert {delivery.queue for delivery in await take(broker, 10, queues=queues)} == {queues[frozen]}


async def test_the_time_is_any_servers(private_cluster: RedisCluster3, namespace: str) -> None:
    async with await connect_broker(private_cluster.url, namespace=namespace) as broker:
        private_cluster.servers[0].kill()
        with suppress(BrokerUnavailableError):  # it may have been the one that was asked so far
            await broker.time()
        assert abs(await broker.time() - time.time()) < 5  # long before a replica takes over


async def test_after_a_failover_work_goes_on_within_two_seconds(private_cluster: RedisCluster3, namespace: str) -> None:
    queue = queues_on_each(namespace)[0]
    replica = private_cluster.client(3)
    async with await connect_broker(private_cluster.url, namespace=namespace) as broker:
        await publish(broker, 3, queue)
        held = await take(broker, 1, queues=(queue,))
        await until(lambda: asyncio.to_thread(replicated, private_cluster))
        private_cluster.servers[0].kill()
        with pytest.raises(BrokerUnavailableError):
            await stats(broker, queue)

        async def promoted() -> bool:
            return await asyncio.to_thread(lambda: replica.role()[0] == b"master")

        await until(promoted)
        began = time.perf_counter()

        async def goes_on() -> bool:
            try:
                return (await stats(broker, queue)).inflight == 1
            except BrokerUnavailableError:
                return False

        await until(goes_on)
        assert await asyncio.to_thread(broker.renew, held) == [True]
        assert time.perf_counter() - began < 2.0 + AT_ONCE
        assert await settle(broker, held) == [Settled.COMMITTED]
        assert (await take_one(broker, queue=queue)).queue == queue


def replicated(cluster: RedisCluster3) -> bool:
    """Whether the replica has all that its primary has written."""
    primary, replica = (cluster.client(number).info("replication") for number in (0, 3))
    return bool(primary["master_repl_offset"] == replica["slave_repl_offset"])


async def test_topics_and_presences_have_one_home(broker: Broker) -> None:
    await broker.append("events", [b"one", b"two"])
    assert [message.body for message in await broker.read({"events": FROM_START, "control": FROM_START}, 10, 0.0)] == [
        b"one",
        b"two",
    ]
    await broker.announce("w1", b"snapshot", 10.0)
    assert [presence.worker for presence in await broker.presences()] == ["w1"]
    assert await broker.ping() < AT_ONCE
    assert abs(await broker.time() - time.time()) < 5


async def test_the_wrong_scheme_is_named(redis_cluster: RedisCluster3, redis_server: RedisServer) -> None:
    with pytest.raises(ConfigurationError, match=r"use redis\+cluster://"):
        await connect_broker(redis_cluster.servers[0].url)
    with pytest.raises(ConfigurationError, match="is no cluster: use redis://"):
        await connect_broker(f"redis+cluster://127.0.0.1:{redis_server.port}")
