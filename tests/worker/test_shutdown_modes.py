"""What each way to stop promises to a running task, wherever it runs and however the worker is told."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator

import psutil
import pytest

from stem_core.commands import Shutdown, ShutdownMode, Undrain
from stem_core.delivery import QueueStats
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.tasks import SimpleTaskRegistry, TaskContext
from stem_core.worker import Worker, WorkerLifecycleConfig
from tests.worker.child_app import APP, stem
from tests.worker.cluster import Cluster, until

pytestmark = pytest.mark.process

KINDS = ["inline", "thread", "process"]
WAYS = ["signal", "command"]
SIGNALS = {
    ShutdownMode.WARM: signal.SIGTERM,
    ShutdownMode.SOFT: signal.SIGINT,
    ShutdownMode.HARD: signal.SIGQUIT,
}


class World:
    """A cluster in memory with one task of each kind: `fine_…` ends in a second and can be stopped, `deaf_…` not."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.free = threading.Event()
        self.running: asyncio.Future[None] | None = None
        cluster.registry = SimpleTaskRegistry()
        self._ours = {
            "fine_inline": self._fine_inline,
            "fine_thread": self._fine_thread,
            "deaf_inline": self._deaf_inline,
            "deaf_thread": self._deaf_thread,
        }

    async def start(self, task: str) -> tuple[Worker, str]:
        """Start a worker that runs this task and holds a second one."""
        if task in self._ours:
            self.cluster.task(task, self._ours[task])
        else:
            self.cluster.registry.register(stem.registry.get(task))
        worker = await self.cluster.worker(
            app=APP, concurrency=1, lifecycle=WorkerLifecycleConfig(soft_grace_period=0.3, force_shutdown_after=5)
        )
        self.running = asyncio.ensure_future(worker.run())
        task_id = await self.cluster.send(task)
        await until(lambda: worker.snapshot().running and worker.snapshot().running[0].progress)
        await self.cluster.send(task)
        await until(lambda: worker.snapshot().held == 2)
        return worker, task_id

    async def tell(self, way: str, mode: ShutdownMode) -> None:
        """Tell the worker to stop."""
        if way == "signal":
            os.kill(os.getpid(), SIGNALS[mode])
        else:
            (reply,) = await self.cluster.command(Shutdown(mode=mode))
            assert reply.status == "ok"

    async def ended(self) -> QueueStats:
        """Return the queue's figures once the worker has ended."""
        assert self.running is not None
        await asyncio.wait_for(self.running, 20)
        assert await self.cluster.broker.presences() == []
        return (await self.cluster.broker.stats(["default"]))[0]

    async def _fine_inline(self, context: TaskContext) -> str:
        for _ in range(50):
            context.progress(0.5)
            await asyncio.sleep(0.02)
        return "done"

    def _fine_thread(self, context: TaskContext) -> str:
        for _ in range(50):
            context.progress(0.5)
            time.sleep(0.02)
        return "done"

    async def _deaf_inline(self, context: TaskContext) -> None:
        context.progress(0.5)
        while not self.free.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    def _deaf_thread(self, context: TaskContext) -> None:
        context.progress(0.5)
        self.free.wait(20)


@pytest.fixture
async def world(namespace: str) -> AsyncIterator[World]:
    """One worker's world."""
    world = World(Cluster(InMemoryBroker(namespace, lease=1.0)))
    yield world
    world.free.set()
    await world.cluster.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_warm_lets_the_running_task_end_and_hands_back_the_other(world: World, kind: str, way: str) -> None:
    _, task_id = await world.start(f"fine_{kind}")
    await world.tell(way, ShutdownMode.WARM)
    stats = await world.ended()
    assert (stats.succeeded, stats.ready, stats.inflight) == (1, 1, 0)
    assert (await world.cluster.ended(task_id)).result == "done"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_soft_ends_a_task_that_listens_at_once_and_its_job_goes_back(world: World, kind: str, way: str) -> None:
    await world.start(f"fine_{kind}")
    await world.tell(way, ShutdownMode.SOFT)
    stats = await world.ended()
    assert (stats.succeeded, stats.failed, stats.ready, stats.inflight) == (0, 0, 2, 0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_soft_turns_hard_for_a_task_that_does_not_listen(world: World, kind: str, way: str) -> None:
    worker, _ = await world.start(f"deaf_{kind}")
    children = [child.pid for child in worker.snapshot().children]
    began = time.perf_counter()
    await world.tell(way, ShutdownMode.SOFT)
    stats = await world.ended()
    assert time.perf_counter() - began > 0.3
    assert (stats.succeeded, stats.failed, stats.ready, stats.inflight) == (0, 0, 2, 0)
    assert not any(psutil.pid_exists(pid) for pid in children)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_hard_hands_everything_back_without_waiting(world: World, kind: str, way: str) -> None:
    worker, _ = await world.start(f"deaf_{kind}")
    children = [child.pid for child in worker.snapshot().children]
    await world.tell(way, ShutdownMode.HARD)
    stats = await world.ended()
    assert (stats.succeeded, stats.failed, stats.ready, stats.inflight) == (0, 0, 2, 0)
    assert not any(psutil.pid_exists(pid) for pid in children)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_second_interrupt_is_hard(world: World, kind: str) -> None:
    await world.start(f"deaf_{kind}")
    await world.tell("signal", ShutdownMode.SOFT)
    await asyncio.sleep(0.02)
    await world.tell("signal", ShutdownMode.SOFT)
    stats = await world.ended()
    assert (stats.ready, stats.inflight) == (2, 0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
async def test_undrain_takes_a_drain_back_while_a_task_runs(world: World, kind: str, way: str) -> None:
    worker, task_id = await world.start(f"fine_{kind}")
    await world.tell(way, ShutdownMode.WARM)
    await until(lambda: worker.snapshot().state == "draining")
    (reply,) = await world.cluster.command(Undrain())
    assert (reply.status, reply.payload["state"]) == ("ok", "running")
    assert (await world.cluster.ended(task_id)).state is TaskState.SUCCEEDED
    await until(lambda: worker.snapshot().succeeded == 2)  # the job that was handed back was fetched again
    assert worker.snapshot().state == "running"


@pytest.mark.parametrize("mode", [ShutdownMode.SOFT, ShutdownMode.HARD])
async def test_what_is_past_draining_cannot_be_taken_back(world: World, mode: ShutdownMode) -> None:
    worker, _ = await world.start("deaf_process")
    worker.stop(mode, 1.0)
    if mode is ShutdownMode.SOFT:
        (reply,) = await world.cluster.command(Undrain())
        assert (reply.status, "past draining" in reply.error) == ("error", True)
    assert (await world.ended()).ready == 2
