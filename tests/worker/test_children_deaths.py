"""Child processes that die, are killed or go astray: a failure of their task, never of the worker or a neighbour."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from stem_core.commands import ShutdownMode
from stem_core.envelope import Envelope, new_task_id, seal
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.redis import RedisStreamsBroker
from stem_core.worker import Worker
from tests.worker.child_app import APP, QUICK, stem
from tests.worker.cluster import Cluster, until
from tests.worker.processes import ROOT

pytestmark = pytest.mark.process


@pytest.fixture
async def children(namespace: str) -> AsyncIterator[Cluster]:
    """A cluster in memory that has the tasks of the child app."""
    cluster = Cluster(InMemoryBroker(namespace, lease=1.0))
    cluster.registry = stem.registry
    yield cluster
    await cluster.close()


def busy(worker: Worker) -> list[int]:
    return [child.pid for child in worker.snapshot().children if child.busy]


def gone(pid: int) -> bool:
    """Return whether the process has ended, or is one that only its own parent has not reaped yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def programs(parent: psutil.Process) -> list[psutil.Process]:
    """Return the child processes that run tasks; one that has ended since it was listed is none."""
    found = []
    for child in parent.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a zombie is one of these too
            if "children.program" in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.mark.parametrize(("how", "says"), [("segfault", "SIGSEGV"), ("exit", "exit code 7"), ("kill", "SIGKILL")])
async def test_a_child_that_dies_fails_its_task_by_name_and_nothing_else(
    children: Cluster, how: str, says: str
) -> None:
    worker = await children.worker(app=APP, concurrency=2)
    neighbour = await children.send("sleep", {"seconds": 0.4})
    await until(lambda: busy(worker))
    status = await children.ended(await children.send("dies", {"how": how}))
    assert (status.state, status.reason) == (TaskState.FAILED, "max-retries-exhausted")
    assert status.error is not None
    assert status.error.type.endswith("ChildDiedError")
    assert says in status.error.message
    assert (await children.ended(neighbour)).state is TaskState.SUCCEEDED
    assert (await children.ended(await children.send("pid"))).state is TaskState.SUCCEEDED


async def test_a_dead_child_costs_a_retry_and_is_no_crash_of_the_worker(children: Cluster) -> None:
    await children.worker(app=APP)
    status = await children.ended(await children.send("dies_once"))
    assert (status.result, status.attempt) == ("recovered", 1)
    endless = await children.send("dies", {"how": "exit"}, max_retries=4, retry_policy=QUICK)
    assert (await children.ended(endless)).reason == "max-retries-exhausted"


async def test_an_idle_child_that_was_killed_costs_no_task(children: Cluster) -> None:
    worker = await children.worker(app=APP, concurrency=1)
    for _ in range(4):
        os.kill(worker.snapshot().children[0].pid, signal.SIGKILL)
        assert (await children.ended(await children.send("pid"))).state is TaskState.SUCCEEDED


@pytest.mark.parametrize(("task", "slots", "number"), [("noop", 16, 2_000), ("sleep", 6, 200)])
async def test_children_killed_at_random_under_load_take_only_their_own_task_with_them(
    children: Cluster, task: str, slots: int, number: int
) -> None:
    worker = await children.worker(app=APP, concurrency=slots)
    args: dict[str, object] = {"seconds": 0.03} if task == "sleep" else {}
    ids: list[str] = []
    killed: set[int] = set()
    while len(killed) < 5:
        ids += [await children.send(task, args) for _ in range(number // 5)]
        victim = (await until(lambda: set(busy(worker)) - killed)).pop()
        os.kill(victim, signal.SIGKILL)
        killed.add(victim)
    statuses = [await children.ended(each) for each in ids]
    failed = [status for status in statuses if status.state is TaskState.FAILED]
    assert len(failed) <= len(killed)
    assert all("SIGKILL" in status.error.message for status in failed if status.error is not None)


async def test_a_thousand_tasks_through_four_children_leave_nothing_behind(children: Cluster) -> None:
    me = psutil.Process()
    worker = await children.worker(app=APP, concurrency=4)
    for each in [await children.send("sleep", {"seconds": 0.05}) for _ in range(8)]:
        await children.ended(each)
    gc.collect()  # what tests before this one have left open would be closed now
    descriptors, processes = me.num_fds(), {child.pid for child in programs(me)}
    assert len(worker.snapshot().children) == 4
    for each in [await children.send("noop") for _ in range(1_000)]:
        assert (await children.ended(each, 30)).state is TaskState.SUCCEEDED
    assert {child.pid for child in programs(me)} == processes
    assert me.num_fds() == descriptors
    await worker.shutdown()
    assert [child for child in programs(me) if child.pid in processes] == []
    await until(lambda: processes.isdisjoint(child.pid for child in me.children(recursive=True)), "all to be reaped")


async def test_children_that_come_and_go_leak_no_file_descriptor(children: Cluster) -> None:
    me = psutil.Process()
    await children.worker(app=APP, concurrency=1)
    await children.ended(await children.send("dies", {"how": "exit"}))
    await children.ended(await children.send("noop"))
    gc.collect()
    before = me.num_fds()
    for _ in range(4):
        await children.ended(await children.send("dies", {"how": "exit"}))
    await children.ended(await children.send("forever", hard_time_limit=0.05))
    await children.ended(await children.send("noop"))
    await until(lambda: me.num_fds() == before)


async def test_what_a_task_has_started_dies_with_its_child(children: Cluster, tmp_path: Path) -> None:
    await children.worker(app=APP)
    written = tmp_path / "pid"
    await children.ended(await children.send("family", {"path": str(written)}, hard_time_limit=1.5))
    await until(lambda: gone(int(written.read_text())))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_all_processes_of_a_service_leaves_children_to_their_worker(
    children: Cluster, number: signal.Signals
) -> None:
    worker = await children.worker(app=APP)
    task_id = await children.send("sleep", {"seconds": 0.3})
    (pid,) = await until(lambda: busy(worker))
    await asyncio.sleep(0.1)
    os.kill(pid, number)
    assert (await children.ended(task_id)).result == pid


@pytest.mark.parametrize("task", ["noop", "forever"], ids=["idle", "busy"])
async def test_no_child_outlives_a_worker_that_was_killed(redis_url: str, namespace: str, task: str) -> None:
    broker = await RedisStreamsBroker.connect(redis_url, namespace=namespace)
    await broker.publish([seal(Envelope(id=new_task_id(), name=task))])
    environment = {**os.environ, "STEM_BROKER_URL": redis_url, "STEM_WORKER_NAMESPACE": namespace}
    command = [sys.executable, "-m", "stem_core", "worker", "start", "--app", APP, "--worker-id", "w", "--json"]
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    try:
        assert worker.stdout is not None
        await asyncio.to_thread(worker.stdout.readline)
        family = await until(lambda: psutil.Process(worker.pid).children(recursive=True))
        await until(lambda: task == "noop" or sum(child.cpu_times().user for child in family) > 0.5)
    finally:
        worker.kill()
        worker.wait(10)
        if worker.stdout is not None:
            worker.stdout.close()
        await broker.close()
    await until(lambda: all(gone(child.pid) for child in family))


@pytest.mark.parametrize("task", ["closes", "closes_all"])
async def test_a_task_that_closes_its_way_to_the_worker_fails_and_the_worker_goes_on(
    children: Cluster, task: str
) -> None:
    await children.worker(app=APP, concurrency=1)
    status = await children.ended(await children.send(task))
    assert status.state is TaskState.FAILED
    assert (await children.ended(await children.send("noop"))).state is TaskState.SUCCEEDED


@pytest.mark.parametrize("task", ["babbles", "answers_another"])
async def test_nonsense_from_a_child_costs_the_child_and_its_task_alone(children: Cluster, task: str) -> None:
    await children.worker(app=APP, concurrency=1)
    status = await children.ended(await children.send(task))
    assert (status.state, status.result) == (TaskState.FAILED, None)
    assert (await children.ended(await children.send("noop"))).state is TaskState.SUCCEEDED


async def test_a_worker_that_ends_while_a_child_is_starting_leaves_none(children: Cluster) -> None:
    me = psutil.Process()
    worker = await children.worker(app=APP, concurrency=4)
    for _ in range(4):
        await children.send("forever")
    await until(lambda: worker.snapshot().active == 4)
    await worker.shutdown(ShutdownMode.HARD)
    assert programs(me) == []
