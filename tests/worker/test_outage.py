"""A broker that goes away and comes back."""

from __future__ import annotations

import asyncio
import time

import pytest

from stem_core.stores import connect_broker
from stem_core.worker import WorkerLifecycleConfig
from tests.postgres_server import PostgresServer
from tests.servers import RedisServer
from tests.worker.cluster import Cluster, until


@pytest.fixture(
    params=[pytest.param("redis", marks=pytest.mark.redis), pytest.param("postgres", marks=pytest.mark.postgres)]
)
def server(request: pytest.FixtureRequest) -> RedisServer | PostgresServer:
    """A server of each kind, which the test may kill."""
    private: RedisServer | PostgresServer = request.getfixturevalue(f"private_{request.param}")
    return private


async def test_a_worker_keeps_running_through_an_outage_and_settles_afterwards(
    server: RedisServer | PostgresServer, namespace: str
) -> None:
    cluster = Cluster(await connect_broker(server.url, namespace=namespace, lease=5.0))
    go = asyncio.Event()

    async def work(n: int) -> int:
        await go.wait()
        return n

    cluster.task("work", work)
    worker = await cluster.worker()
    before = await cluster.send("work", {"n": 1})
    await until(lambda: worker.snapshot().active)
    server.kill()
    go.set()
    await until(lambda: not worker.snapshot().active)
    await asyncio.sleep(0.3)
    server.start()
    back = time.perf_counter()
    assert (await cluster.ended(before)).result == 1
    assert (await cluster.ended(await cluster.send("work", {"n": 2}))).result == 2
    assert time.perf_counter() - back < 3 + 3  # what a busy machine adds
    assert worker.snapshot().succeeded == 2
    await cluster.close()


async def test_a_drain_gives_a_broker_that_is_away_a_lease_and_then_ends(
    server: RedisServer | PostgresServer, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = Cluster(await connect_broker(server.url, namespace=namespace, lease=1.0))
    go, runs = asyncio.Event(), 0

    async def work() -> int:
        nonlocal runs
        await go.wait()
        runs += 1
        return runs

    cluster.task("work", work)
    worker = await cluster.worker(lifecycle=WorkerLifecycleConfig(force_shutdown_after=0.2))
    task_id = await cluster.send("work")
    await until(lambda: worker.snapshot().active)
    server.kill()
    go.set()
    await until(lambda: runs)
    await asyncio.wait_for(worker.shutdown(), 30)
    assert "1 outcomes wait for the broker; it gets 1 s" in caplog.text
    assert "1 jobs could not be handed back; their leases will end" in caplog.text
    server.start()
    await cluster.worker()
    assert (await cluster.ended(task_id, within=20)).result == 2
    await cluster.close()
