"""Finding tasks by state, queue, name and time, and following one to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from stem_core import InMemoryBroker, InMemoryResultBackend, SimpleTaskRegistry, Stem, TaskState, Worker
from stem_core.client import ClusterClient, TaskFilter
from stem_core.errors import UsageError
from stem_core.results import TaskStatus
from stem_core.snapshot import RunningTask, WorkerSnapshot, encode_snapshot
from stem_core.stores.port import Broker, ResultBackend
from stem_core.testing.contract.harness import settle, take

ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED})


def app(broker: Broker, backend: ResultBackend | None = None) -> Stem:
    stem = Stem(broker=broker, backend=backend)

    @stem.task("double")
    async def double(x: int) -> int:
        return 2 * x

    @stem.task("fail", queue="risky")
    async def fail() -> None:
        raise ValueError("no")

    return stem


async def run_all(stem: Stem, ids: list[str]) -> None:
    broker, backend = await stem.connect()
    worker = Worker(broker=broker, backend=backend, registry=stem.registry, queue="default", concurrency=2)
    risky = Worker(broker=broker, backend=backend, registry=stem.registry, queue="risky", concurrency=2)
    await worker.start()
    await risky.start()
    await asyncio.gather(*(stem.wait_for(task_id, timeout=20) for task_id in ids))
    await worker.shutdown()
    await risky.shutdown()


async def listed(cluster: ClusterClient, **wanted: object) -> list[TaskStatus]:
    found, cursor = await cluster.tasks(TaskFilter(**wanted), 2)  # type: ignore[arg-type]
    while cursor:
        more, cursor = await cluster.tasks(TaskFilter(**wanted), 2, cursor)  # type: ignore[arg-type]
        found += more
    return found


async def test_what_a_dead_worker_ran_is_listed_once_as_waiting(any_broker: Broker) -> None:
    stem, cluster = app(any_broker), ClusterClient(any_broker)
    task_id = await stem.enqueue("double", {"x": 1})
    ran = RunningTask(id=task_id, task="double", queue="default", started_at=1.0)
    snapshot = WorkerSnapshot(worker="dead", boot="b", running=(ran,))
    await any_broker.announce("dead", encode_snapshot(snapshot), 60.0)
    assert [(each.id, each.state, each.worker) for each in await listed(cluster)] == [(task_id, TaskState.QUEUED, "")]


async def test_tasks_are_found_by_state_queue_name_and_time(any_broker: Broker) -> None:
    stem, cluster = app(any_broker), ClusterClient(any_broker)
    ids = [await stem.enqueue("double", {"x": x}) for x in range(5)]
    failing = await stem.enqueue("fail")
    await run_all(stem, [*ids, failing])
    waiting = await stem.enqueue("double", {"x": 9})
    states: Mapping[str, set[str]] = {
        "succeeded": {*ids}, "failed": {failing}, "queued": {waiting}, "cancelled": set(),
    }  # fmt: skip
    for state, expected in states.items():
        assert {each.id for each in await listed(cluster, states=frozenset({TaskState(state)}))} == expected, state
    assert {each.id for each in await listed(cluster)} == {*ids, failing, waiting}
    assert {each.id for each in await listed(cluster, queues=("risky",))} == {failing}
    assert {each.id for each in await listed(cluster, task="dou*", states=ENDED)} == {*ids}
    now = await any_broker.time()
    assert await listed(cluster, since=now + 60) == []
    assert {each.id for each in await listed(cluster, until=now + 60)} == {*ids, failing}


async def test_what_ended_last_comes_first(any_broker: Broker) -> None:
    stem, cluster = app(any_broker), ClusterClient(any_broker)
    ids = []
    for x in range(4):
        ids.append(await stem.enqueue("double", {"x": x}))
        (delivery,) = await take(any_broker, 1, queues=("default",))
        await settle(any_broker, [delivery])
        await asyncio.sleep(0.002)
    assert [each.id for each in await listed(cluster)] == ids[::-1]


async def test_results_in_another_store_are_listed_with_what_only_the_broker_knows(any_broker: Broker) -> None:
    elsewhere = InMemoryResultBackend()
    stem, cluster = app(any_broker, elsewhere), ClusterClient(any_broker, elsewhere)
    done = await stem.enqueue("double", {"x": 1})
    await run_all(stem, [done])
    revoked = await stem.enqueue("double", {"x": 2})
    await cluster.control.revoke([revoked])
    assert {(each.id, each.state) for each in await listed(cluster)} == {
        (done, TaskState.SUCCEEDED),
        (revoked, TaskState.CANCELLED),
    }


async def test_a_task_replayed_while_its_results_are_elsewhere_waits_again(any_broker: Broker) -> None:
    elsewhere = InMemoryResultBackend()
    stem, cluster = app(any_broker, elsewhere), ClusterClient(any_broker, elsewhere)
    failing = await stem.enqueue("fail")
    await run_all(stem, [failing])
    status = await cluster.task(failing)
    assert status is not None
    assert status.state is TaskState.FAILED
    await any_broker.replay("risky", [failing])
    status = await cluster.task(failing)
    assert status is not None
    assert status.state is TaskState.QUEUED


async def test_a_false_cursor_is_refused() -> None:
    with pytest.raises(UsageError, match="the cursor 'x'"):
        await ClusterClient(InMemoryBroker()).tasks(TaskFilter(), 5, "x")


async def test_watching_tells_of_each_state_in_order_up_to_the_end(any_broker: Broker) -> None:
    stem = app(any_broker)
    task_id = await stem.enqueue("double", {"x": 4})
    seen: list[TaskStatus] = []
    async with asyncio.timeout(20):
        async for status in stem.watch(task_id):
            seen.append(status)
            if len(seen) == 1:
                await run_all(stem, [task_id])
    assert seen[0].state is TaskState.QUEUED
    assert (seen[-1].state, seen[-1].result) == (TaskState.SUCCEEDED, 8)
    assert all(not status.state.is_terminal for status in seen[:-1])


async def test_watching_waits_for_a_task_that_is_not_known_yet() -> None:
    broker = InMemoryBroker()
    stem = Stem(broker=broker, registry=SimpleTaskRegistry())
    watching = asyncio.ensure_future(anext(aiter(stem.watch("later"))))
    await asyncio.sleep(0.03)
    assert not watching.done()
    other = app(broker)
    await other.enqueue("double", {"x": 1}, task_id="later")
    assert (await asyncio.wait_for(watching, 5)).state is TaskState.QUEUED
