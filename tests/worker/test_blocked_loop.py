"""A handler that blocks the event loop does not lose its job, however long it takes."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from stem_core.states import TaskState
from stem_core.stores import connect_broker
from tests.worker.cluster import Cluster, until

LEASE = 0.7


@pytest.mark.redis
async def test_a_handler_that_blocks_the_loop_for_five_leases_keeps_its_job(store_url: str, namespace: str) -> None:
    began, stop = threading.Event(), threading.Event()
    runs: list[str] = []

    async def block(seconds: float) -> str:
        runs.append(threading.current_thread().name)
        began.set()
        time.sleep(seconds)
        return "kept"

    def blocked() -> None:
        async def body() -> None:
            cluster = Cluster(await connect_broker(store_url, namespace=namespace, lease=LEASE))
            cluster.task("block", block)
            await cluster.worker(consumer_name="blocked")
            await until(stop.is_set, within=20)
            await cluster.close()

        asyncio.run(body())

    heir = Cluster(await connect_broker(store_url, namespace=namespace, lease=LEASE))
    heir.task("block", block)
    thread = threading.Thread(target=blocked)
    thread.start()
    task_id = await heir.send("block", {"seconds": 5 * LEASE})
    await asyncio.to_thread(began.wait, 10)
    await heir.worker(consumer_name="heir")
    status = await heir.ended(task_id)
    stop.set()
    await asyncio.to_thread(thread.join)
    await heir.close()
    assert (status.state, status.worker, status.deliveries) == (TaskState.SUCCEEDED, "blocked", 1)
    assert len(runs) == 1
