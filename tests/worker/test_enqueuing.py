"""What tasks enqueue, wherever they run: every job of it knows its parent and its root."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from stem_core import Job, Stem, TaskContext
from stem_core.errors import TaskCancelled, UsageError
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.worker.enqueuing import WorkerLoop
from tests.conftest import SERVED
from tests.worker import child_app
from tests.worker.cluster import Cluster, until

WAYS: dict[str, Callable[[TaskContext], Any]] = {
    "inline": child_app.family_of,
    "thread": child_app.family_of_sync,
}


async def check_family(cluster: Cluster, task_id: str, root: str) -> None:
    ended = await cluster.ended(task_id, 30)
    assert ended.state is TaskState.SUCCEEDED, ended.error
    result: Any = ended.result
    assert len(result["ids"]) == 10
    for each in result["ids"]:
        meta: Any = (await cluster.ended(each)).result
        assert (meta["stem.parentTaskId"], meta["stem.rootTaskId"]) == (task_id, root)


@pytest.mark.parametrize("way", WAYS)
async def test_every_job_that_a_task_enqueues_knows_its_parent_and_root(cluster: Cluster, way: str) -> None:
    cluster.task("bears", WAYS[way])
    cluster.task("lineage", child_app.lineage)
    await cluster.worker()
    task_id = await cluster.send("bears", meta={"stem.rootTaskId": "the-root"})
    await check_family(cluster, task_id, "the-root")


@pytest.mark.process
@pytest.mark.parametrize("name", ["bears", "bears.async"])
@pytest.mark.parametrize("store", SERVED)
async def test_so_does_every_job_that_a_task_in_a_child_process_enqueues(
    store: str, name: str, request: pytest.FixtureRequest, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = request.getfixturevalue(store)
    monkeypatch.setenv("STEM_BROKER_URL", url)
    monkeypatch.setenv("STEM_WORKER_NAMESPACE", namespace)
    cluster = Cluster(await connect_broker(url, namespace=namespace, lease=5.0))
    cluster.registry = child_app.stem.registry
    await cluster.worker(app=child_app.APP, concurrency=1)
    task_id = await cluster.send(name)
    await check_family(cluster, task_id, task_id)
    await cluster.close()


async def test_a_failed_member_of_a_tasks_group_sends_an_on_error_that_knows_its_parent(memory: Cluster) -> None:
    async def parent(context: TaskContext) -> str | None:
        return (await context.enqueue_group([Job("fails")], on_error=child_app.child())).on_error

    def fails() -> None:
        raise ValueError("it")

    for name, function in (("parent", parent), ("fails", fails), ("lineage", child_app.lineage)):
        memory.task(name, function)
    await memory.worker()
    parent_id = await memory.send("parent")
    meta: Any = (await memory.ended(str((await memory.ended(parent_id)).result))).result
    assert meta["stem.parentTaskId"] == parent_id


async def test_a_blocking_call_on_the_workers_event_loop_is_refused(memory: Cluster) -> None:
    async def parent(context: TaskContext) -> None:
        context.enqueue_many_sync([child_app.child()])

    memory.task("parent", parent)
    await memory.worker()
    error = (await memory.ended(await memory.send("parent"))).error
    assert error is not None
    assert "await the form without _sync" in error.message


async def test_a_task_in_a_thread_hears_that_its_worker_has_ended() -> None:
    def ended_loop() -> asyncio.AbstractEventLoop:
        async def running() -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

        return asyncio.run(running())

    loop = await asyncio.to_thread(ended_loop)
    with pytest.raises(TaskCancelled, match="the worker has ended"):
        await asyncio.to_thread(WorkerLoop(loop).run, asyncio.sleep(0))


async def test_a_time_limit_ends_the_waiting_of_an_inline_task_for_a_slow_broker(
    memory: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, asked = memory.broker.publish, asyncio.Event()

    async def slow(batch: Any) -> None:
        if any(job.queue == "slow" for job in batch):
            asked.set()
            await asyncio.sleep(30)
        await publish(batch)

    async def parent(context: TaskContext) -> None:
        await context.enqueue_many([child_app.child(queue="slow")])

    monkeypatch.setattr(memory.broker, "publish", slow)
    memory.task("parent", parent, hard_time_limit=0.5)
    memory.task("lineage", child_app.lineage)
    await memory.worker()
    ended = await memory.ended(await memory.send("parent"))
    assert asked.is_set()
    assert ended.error is not None
    assert ended.error.type.endswith("HardTimeLimitExceeded")


async def test_what_is_no_job_is_refused_by_name(memory: Cluster) -> None:
    said: list[str] = []

    async def parent(context: TaskContext) -> None:
        wrong: Any = ("lineage", {})
        for call in (context.enqueue_many, context.enqueue_chain, context.enqueue_group):
            with pytest.raises(UsageError, match="is no Job") as caught:
                await call([wrong])
            said.append(str(caught.value))

    memory.task("parent", parent)
    await memory.worker(enqueuer=Stem(broker=memory.broker, registry=memory.registry))
    await memory.send("parent")
    await until(lambda: len(said) == 3)
