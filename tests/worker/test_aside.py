"""Endings that one server of several does not take keep nobody else's waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from stem_core.errors import BrokerUnavailableError
from stem_core.events import TaskSucceeded
from stem_core.routing import RoutingSubscription
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from stem_core.testing import FaultyBroker
from tests.redis_topologies import RedisCluster3, home_of, queues_on_each
from tests.worker.cluster import Cluster, until


@pytest.fixture
async def spread(private_cluster: RedisCluster3, namespace: str) -> AsyncIterator[Cluster]:
    """A cluster of workers on a Redis Cluster of its own."""
    cluster = Cluster(await connect_broker(private_cluster.url, namespace=namespace, lease=30.0))
    yield cluster
    await cluster.close()


@pytest.mark.redis
async def test_a_server_that_is_frozen_delays_the_outcomes_of_its_own_queues_only(
    spread: Cluster, private_cluster: RedisCluster3, namespace: str
) -> None:
    cluster, queues = spread, queues_on_each(namespace)
    frozen = next(number for number in (1, 2) if number != home_of(namespace))
    go = asyncio.Event()

    async def work(n: int) -> int:
        await go.wait()
        return n

    cluster.task("work", work)
    worker = await cluster.worker(subscription=RoutingSubscription(queues=queues), concurrency=12)
    ids = {queue: [await cluster.send("work", {"n": n}, queue=queue) for n in range(3)] for queue in queues}
    await until(lambda: worker.snapshot().active == 9)
    private_cluster.servers[frozen].freeze()
    try:
        go.set()
        living = [queue for number, queue in enumerate(queues) if number != frozen]
        await until(lambda: have_ended(cluster, living, 3))
        async with asyncio.timeout(20):  # a call waits for 5 s: once, and not in each round
            for done in range(4, 10):
                for queue in living:
                    await cluster.send("work", {"n": 9}, queue=queue)
                await until(partial(have_ended, cluster, living, done))
        await until(lambda: worker.snapshot().succeeded == 18)
    finally:
        private_cluster.servers[frozen].thaw()
    await until(lambda: worker.snapshot().succeeded == 21)
    for each in ids[queues[frozen]]:
        assert (await cluster.ended(each)).state is TaskState.SUCCEEDED
    assert (await cluster.broker.stats([queues[frozen]]))[0].succeeded == 3


async def have_ended(cluster: Cluster, queues: list[str], number: int) -> bool:
    return all(figures.succeeded == number for figures in await cluster.broker.stats(queues))


@pytest.mark.parametrize("is_late", [False, True], ids=["not-sent", "reply-lost"])
async def test_what_failed_together_is_stored_and_told_once(namespace: str, *, is_late: bool) -> None:
    broker = FaultyBroker(InMemoryBroker(namespace))
    cluster = Cluster(broker)
    cluster.task("work", lambda n: n)
    worker = await cluster.worker(subscription=RoutingSubscription(queues=["a", "b"]), concurrency=8)
    order = broker.faults.lose_reply if is_late else broker.faults.fail
    order("settle", 5, BrokerUnavailableError("down"))
    sent = [await cluster.send("work", {"n": n}, queue="ab"[n % 2]) for n in range(20)]
    for each in sent:
        assert (await cluster.ended(each)).state is TaskState.SUCCEEDED
    await until(lambda: worker.snapshot().succeeded == 20)

    async def told() -> bool:
        return len(await cluster.events(TaskSucceeded)) == 20

    await until(told)
    assert {figures.succeeded for figures in await broker.stats(["a", "b"])} == {10}
    await cluster.close()
