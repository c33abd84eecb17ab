"""A primary that fails, and a replica that sentinels put in its place."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import redis

from stem_core.delivery import Settled
from stem_core.errors import BrokerUnavailableError, ConfigurationError
from stem_core.stores import connect_broker
from stem_core.stores.redis import RedisStreamsBroker
from stem_core.testing.contract.harness import publish, settle, stats, take, until
from tests.redis_topologies import SentinelPair
from tests.servers import RedisServer, free_port
from tests.worker.cluster import Cluster, until as worker_until
from tests.worker.processes import Processes

pytestmark = pytest.mark.redis


@pytest.mark.process
async def test_workers_go_on_at_the_new_primary_and_commit_nothing_twice(
    sentinel_pair: SentinelPair, namespace: str, tmp_path: Path
) -> None:
    cluster = Cluster(await RedisStreamsBroker.connect(sentinel_pair.url, namespace, 5.0))
    processes = Processes(sentinel_pair.url, namespace, tmp_path)
    try:
        for name in ("first", "second"):
            processes.start(name)
        ids = [await cluster.send("work", {"seconds": 0.05}) for _ in range(40)]
        await worker_until(lambda: len(processes.lines("end")) >= 8)
        sentinel_pair.primary.kill()
        began = time.perf_counter()
        after = await sent_again(cluster)
        assert (await cluster.ended(after)).id == after
        assert time.perf_counter() - began < 10.0
        known = [task_id for task_id, place in zip(ids, await cluster.broker.locate(ids), strict=True) if place]
        for task_id in known:
            await cluster.ended(task_id, 20)
        records = await cluster.broker.results().get(ids)
        lost = records.count(None)  # what had not been replicated; on one machine hardly ever anything
        (figures,) = await cluster.broker.stats(["default"])
        assert figures.succeeded == len(ids) + 1 - lost
        assert (figures.ready, figures.inflight, figures.dead, figures.failed) == (0, 0, 0, 0)
        assert lost <= 2
    finally:
        processes.close()
        await cluster.close()


async def sent_again(cluster: Cluster) -> str:
    """Publish a job as soon as there is a primary again."""
    while True:
        try:
            return await cluster.send("work", {"seconds": 0.0})
        except BrokerUnavailableError:
            await asyncio.sleep(0.05)


async def test_a_demoted_primary_is_left_for_the_new_one(sentinel_pair: SentinelPair, namespace: str) -> None:
    async with await RedisStreamsBroker.connect(sentinel_pair.url, namespace) as broker:
        await publish(broker, 3)
        held = await take(broker, 1)
        assert await asyncio.to_thread(broker.renew, held) == [True]
        with redis.Redis(port=sentinel_pair.sentinels[0].port) as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", "stem")

        async def promoted() -> bool:
            with redis.Redis(port=sentinel_pair.replica.port) as replica:
                return await asyncio.to_thread(lambda: replica.role()[0] == b"master")

        await until(promoted)
        with redis.Redis(port=sentinel_pair.primary.port) as primary:  # what the sentinels do a while later
            primary.execute_command("REPLICAOF", "127.0.0.1", sentinel_pair.replica.port)

        async def renewed() -> bool:
            try:
                return await asyncio.to_thread(broker.renew, held) == [True]
            except BrokerUnavailableError:
                return False

        async def settled() -> bool:
            try:
                return await settle(broker, held) == [Settled.COMMITTED]
            except BrokerUnavailableError:
                return False

        await until(renewed)
        await until(settled)
        assert (await stats(broker)).ready == 2
        with redis.Redis(port=sentinel_pair.replica.port, decode_responses=True) as replica:
            assert int(replica.hget(f"{{stem:{namespace}:q}}:counters", "succeeded") or 0) == 1


async def test_one_sentinel_that_answers_is_enough(sentinel_pair: SentinelPair, namespace: str) -> None:
    for sentinel in sentinel_pair.sentinels[:2]:
        sentinel.kill()
    async with await RedisStreamsBroker.connect(sentinel_pair.url, namespace) as broker:
        assert len(await publish(broker, 2)) == 2


async def test_what_is_wrong_with_a_url_of_sentinels_is_named(
    sentinel_pair: SentinelPair, redis_server: RedisServer
) -> None:
    with pytest.raises(ConfigurationError, match=r"watch no service 'main': they watch stem"):
        await connect_broker(sentinel_pair.url.replace("/stem", "/main"))
    with pytest.raises(ConfigurationError, match="is a sentinel"):
        await connect_broker(sentinel_pair.sentinels[0].url)
    with pytest.raises(ConfigurationError, match="names no sentinel: use redis://"):
        await connect_broker(f"redis+sentinel://127.0.0.1:{redis_server.port}/stem")
    with pytest.raises(BrokerUnavailableError, match="names a primary"):
        await connect_broker(f"redis+sentinel://127.0.0.1:{free_port()}/stem")
