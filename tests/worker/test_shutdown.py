"""How a worker ends."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from stem_core.commands import ShutdownMode
from stem_core.events import WorkerShutdown, WorkerStopping
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.tasks import SimpleTaskRegistry, TaskContext
from stem_core.worker import Worker
from stem_core.worker.fetch import WAIT
from tests.worker.cluster import Cluster, until


async def test_warm_finishes_what_runs_and_hands_back_the_rest(cluster: Cluster) -> None:
    async def work() -> int:
        await asyncio.sleep(0.1)
        return 1

    cluster.task("work", work)
    ids = [await cluster.send("work") for _ in range(4)]
    worker = await cluster.worker(concurrency=1, prefetch_multiplier=4)
    await until(lambda: worker.snapshot().active)
    await worker.shutdown()
    assert worker.snapshot().succeeded == 1
    stats = (await cluster.broker.stats(["default"]))[0]
    assert (stats.ready, stats.inflight, stats.succeeded) == (3, 0, 1)
    await cluster.worker()
    assert {(await cluster.ended(each)).deliveries for each in ids} <= {1, 2}


async def test_soft_asks_tasks_to_stop_and_gives_their_jobs_back(cluster: Cluster) -> None:
    heard: list[str] = []

    async def inline() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            heard.append("inline")

    def thread(context: TaskContext) -> None:
        try:
            while True:
                time.sleep(0.005)
                context.checkpoint()
        finally:
            heard.append("thread")

    cluster.task("inline", inline)
    cluster.task("thread", thread)
    worker = await cluster.worker()
    await cluster.send("inline")
    await cluster.send("thread")
    await until(lambda: worker.snapshot().active == 2)
    await worker.shutdown(ShutdownMode.SOFT, grace=5)
    assert sorted(heard) == ["inline", "thread"]
    stats = (await cluster.broker.stats(["default"]))[0]
    assert (stats.ready, stats.inflight) == (2, 0)


async def test_soft_turns_hard_when_the_grace_is_over(memory: Cluster) -> None:
    free = threading.Event()
    memory.task("stuck", lambda: free.wait(20))
    worker = await memory.worker()
    await memory.send("stuck")
    await until(lambda: worker.snapshot().active)
    before = time.perf_counter()
    await worker.shutdown(ShutdownMode.SOFT, grace=0.05)
    assert time.perf_counter() - before < 10
    assert (await memory.broker.stats(["default"]))[0].ready == 1
    modes = [event.mode for event in await memory.events(WorkerStopping) if isinstance(event, WorkerStopping)]
    assert modes == ["soft", "hard"]
    free.set()


async def test_hard_hands_back_everything_at_once(cluster: Cluster) -> None:
    async def deaf() -> None:
        for _ in range(3):
            try:
                await asyncio.sleep(0.3)
            except asyncio.CancelledError:
                continue

    cluster.task("deaf", deaf)
    worker = await cluster.worker(concurrency=1)
    task_ids = [await cluster.send("deaf") for _ in range(2)]
    await until(lambda: worker.snapshot().held == 2)
    await worker.shutdown(ShutdownMode.HARD)
    assert (await cluster.broker.stats(["default"]))[0].ready == 2
    assert await cluster.broker.results().get(task_ids) == [None, None]


async def test_an_idle_worker_stops_at_once_and_says_goodbye(cluster: Cluster) -> None:
    worker = await cluster.worker()
    await asyncio.sleep(0.05)
    before = time.perf_counter()
    await worker.shutdown()
    assert time.perf_counter() - before < WAIT  # and not when its fetch has waited in vain
    assert await cluster.broker.presences() == []
    assert len(await cluster.events(WorkerShutdown)) == 1


async def test_shutting_down_before_the_start_and_twice_is_fine() -> None:
    async with InMemoryBroker() as broker:
        early = Worker(broker=broker, registry=SimpleTaskRegistry())
        await early.shutdown()
        await early.run()
        late = Worker(broker=broker, registry=SimpleTaskRegistry())
        await late.start()
        await asyncio.gather(late.shutdown(), late.shutdown(ShutdownMode.HARD))
        await late.shutdown()


async def test_a_task_killed_with_its_event_loop_is_not_called_failed() -> None:
    broker = InMemoryBroker(lease=1.0)

    def session() -> None:
        async def body() -> None:
            cluster = Cluster(broker)
            cluster.task("work", lambda: asyncio.sleep(30), execution="inline")
            worker = await cluster.worker()
            await cluster.send("work")
            await until(lambda: worker.snapshot().active)

        asyncio.run(body())

    await asyncio.to_thread(session)
    stats = (await broker.stats(["default"]))[0]
    assert (stats.failed, stats.dead) == (0, 0)
    await broker.close()


async def test_a_cancelled_state_is_not_mistaken_for_success(memory: Cluster) -> None:
    async def quits_cleanly() -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            return "saved"
        return "never"

    memory.task("quits", quits_cleanly)
    worker = await memory.worker()
    task_id = await memory.send("quits")
    await until(lambda: worker.snapshot().active)
    await worker.shutdown(ShutdownMode.SOFT)
    assert (await memory.ended(task_id)).state is TaskState.SUCCEEDED


@pytest.mark.parametrize("mode", list(ShutdownMode))
async def test_what_is_asked_to_end_while_it_starts_runs_nothing_and_ends(
    memory: Cluster, mode: ShutdownMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    memory.task("work", lambda: ran.append(1))
    await memory.send("work")
    worker = Worker(broker=memory.broker, registry=memory.registry, consumer_name="w")
    lease = memory.broker.lease

    async def asked_meanwhile() -> float:
        worker.stop(mode, None, "test")
        return await lease()

    monkeypatch.setattr(memory.broker, "lease", asked_meanwhile)
    await asyncio.wait_for(worker.run(), 10)
    assert ran == []
    (queue,) = await memory.broker.stats(["default"])
    assert (queue.ready, queue.inflight) == (1, 0)
