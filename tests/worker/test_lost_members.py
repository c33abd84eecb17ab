"""Groups with members that end without success: waiting ends at once, and a replay brings the group on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stem_core import RESULT, Job, Stem, TaskContext
from stem_core.client import ControlClient, EnqueuedGroup, GroupStatus
from stem_core.errors import BrokerFullError, GroupFailedError, WaitTimeoutError
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from stem_core.testing import FaultyBroker, InlineWorker
from tests.worker.cluster import Cluster, until
from tests.worker.processes import Processes


class Stage:
    """Tasks of which one fails as long as nobody mended it, and what they were told."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.stem = Stem(broker=cluster.broker, registry=cluster.registry)
        self.healthy = False
        self.told: list[object] = []
        self.gate = asyncio.Event()
        for name, function in (("number", self.number), ("shaky", self.shaky), ("tell", self.tell)):
            cluster.task(name, function)
        cluster.task("long", self.long)
        cluster.task("gated", self.gated)

    async def number(self, n: int) -> int:
        return n

    async def shaky(self, n: int) -> int:
        if not self.healthy:
            raise ValueError("not yet")
        return n

    async def gated(self, n: int) -> int:
        await self.gate.wait()
        return n

    async def long(self, context: TaskContext) -> None:
        while True:
            context.checkpoint()
            await asyncio.sleep(0.01)

    async def tell(self, what: object) -> object:
        self.told.append(what)
        return what

    async def group(self, *jobs: Job) -> EnqueuedGroup:
        tell = Job("tell", {"what": RESULT})
        return await self.stem.enqueue_group(jobs, callback=tell, on_error=tell)

    async def lost(self, group: EnqueuedGroup) -> GroupFailedError:
        """Wait for a group that must not come to its end, long before time is up."""
        async with asyncio.timeout(10):
            with pytest.raises(GroupFailedError) as caught:
                await self.stem.wait_for_group(group.id, 60)
        return caught.value

    async def status(self, group: EnqueuedGroup) -> GroupStatus:
        status = await self.stem.group_status(group.id)
        assert status is not None
        return status

    async def is_told(self) -> None:
        await until(lambda: self.told, "on_error")


@pytest.fixture
def stage(cluster: Cluster) -> Stage:
    return Stage(cluster)


@pytest.fixture
def in_memory(memory: Cluster) -> Stage:
    return Stage(memory)


NUMBER, SHAKY = Job("number", {"n": 1}), Job("shaky", {"n": 2})


async def test_a_failed_member_ends_the_waiting_and_is_named_and_its_replay_completes_the_group(
    cluster: Cluster, stage: Stage
) -> None:
    await cluster.worker()
    group = await stage.group(NUMBER, SHAKY)
    error = await stage.lost(group)
    assert (error.task_id, error.task, error.state) == (group.members[1], "shaky", "failed")
    for said in ("member 1", "'shaky'", group.members[1], "failed", "ValueError: not yet"):
        assert said in error.message
    assert error.hint is not None
    assert f"stem dlq replay {group.members[1]}" in error.hint
    await until(lambda: first_is_in(stage, group))
    status = await stage.status(group)
    assert (status.results, status.missing, status.is_complete) == ([1, None], (1,), False)
    assert [(each.index, each.id, each.name, each.state, each.error) for each in status.lost] == [
        (1, group.members[1], "shaky", TaskState.FAILED, "ValueError: not yet")
    ]
    stage.healthy = True
    assert await cluster.broker.replay("default", [group.members[1]]) == 1
    assert await stage.stem.wait_for_group(group.id, 10) == [1, 2]
    assert await stage.status(group) == GroupStatus(id=group.id, results=[1, 2])
    await until(lambda: len(stage.told) == 2)
    assert stage.told == [{"type": "ValueError", "message": "not yet"}, [1, 2]]


async def first_is_in(stage: Stage, group: EnqueuedGroup) -> bool:
    return (await stage.status(group)).missing == (1,)


async def test_a_replayed_member_is_waited_for_until_it_fails_anew(cluster: Cluster, stage: Stage) -> None:
    worker = await cluster.worker()
    group = await stage.group(SHAKY)
    await stage.lost(group)
    await worker.shutdown()
    await cluster.broker.replay("default", [group.members[0]])
    assert (await stage.status(group)).lost == ()
    with pytest.raises(WaitTimeoutError) as caught:
        await stage.stem.wait_for_group(group.id, 0.1)
    assert caught.value.hint == "1 of 1 have not succeeded yet"
    waiting = asyncio.ensure_future(stage.lost(group))
    await cluster.worker()
    assert (await waiting).task_id == group.members[0]


async def test_a_member_that_is_revoked_while_it_waits_ends_the_waiting_too(cluster: Cluster, stage: Stage) -> None:
    group = await stage.group(Job("number", {"n": 1}, queue="nobody"), NUMBER)
    waiting = asyncio.ensure_future(stage.lost(group))
    control = ControlClient(cluster.broker, issuer="ann", timeout=0.1)
    await control.revoke([group.members[0], "unknown"], reason="a mistake")
    error = await waiting
    assert (error.task_id, error.state) == (group.members[0], "cancelled")
    assert "a mistake" in error.message
    assert error.hint is not None
    assert "send it anew" in error.hint
    await cluster.worker()
    await stage.is_told()
    assert stage.told == [{"type": "Cancelled", "message": "a mistake"}]


async def test_a_revocation_that_is_repeated_tells_the_group_once(memory: Cluster, in_memory: Stage) -> None:
    group = await in_memory.group(*[Job("number", {"n": n}, queue="nobody") for n in range(3)])
    control = ControlClient(memory.broker, issuer="ann", timeout=0.01)
    await control.revoke(group.members[:2])
    await control.revoke(group.members)
    assert [each.index for each in (await in_memory.status(group)).lost] == [0, 1, 2]
    assert (await memory.broker.stats(["default"]))[0].published == 1


async def test_a_member_that_expires_and_one_that_is_terminated_are_lost(cluster: Cluster, stage: Stage) -> None:
    await cluster.worker()
    expired = await stage.group(Job("number", {"n": 1}, expires=0.01, countdown=0.1))
    error = await stage.lost(expired)
    assert (error.state, "expired" in error.message) == ("cancelled", True)
    await stage.is_told()
    assert stage.told == [{"type": "Cancelled", "message": "expired"}]

    terminated = await stage.group(Job("long"))
    await until(lambda: cluster.workers[0].snapshot().active == 1)
    control = ControlClient(cluster.broker, issuer="ann")
    await control.revoke(terminated.members, terminate=True, reason="too long")
    error = await stage.lost(terminated)
    assert (error.task, error.state, "too long" in error.message) == ("long", "cancelled", True)


async def test_the_error_says_how_many_more_are_lost_and_on_error_comes_once(cluster: Cluster, stage: Stage) -> None:
    await cluster.worker()
    group = await stage.group(*[SHAKY] * 4, NUMBER)
    for each in group.members:
        await cluster.ended(each)
    error = await stage.lost(group)
    assert error.message.endswith(", and 3 more")
    assert [each.index for each in (await stage.status(group)).lost] == [0, 1, 2, 3]
    assert group.on_error is not None
    await cluster.ended(group.on_error)
    assert len(stage.told) == 1


async def test_a_link_error_of_a_member_is_for_failures_only(cluster: Cluster, stage: Stage) -> None:
    await cluster.worker()
    link = Job("tell", {"what": RESULT})
    group = await stage.stem.enqueue_group(
        [
            SHAKY.with_options(link_error=link.with_options(task_id="failed")),
            NUMBER.with_options(expires=0.01, countdown=0.1, link_error=link.with_options(task_id="expired")),
        ]
    )
    for each in group.members:
        await cluster.ended(each)
    assert (await cluster.ended("failed")).result == {"type": "ValueError", "message": "not yet"}
    assert await cluster.broker.locate(["expired"]) == [None]


async def test_a_lost_member_is_named_though_its_record_has_run_out(cluster: Cluster, stage: Stage) -> None:
    await cluster.worker()
    group = await stage.group(SHAKY.with_options(result_ttl=0.05))
    await cluster.ended(str(group.on_error))

    async def is_forgotten() -> bool:
        return await cluster.broker.results().get(group.members) == [None]

    await until(is_forgotten)
    error = await stage.lost(group)
    assert (error.state, "ValueError: not yet" in error.message) == ("failed", True)


async def test_results_elsewhere_are_looked_at_and_a_replay_counts_there_too(cluster: Cluster) -> None:
    elsewhere = InMemoryBroker("elsewhere").results()
    stage = Stage(cluster)
    stage.stem = Stem(broker=cluster.broker, registry=cluster.registry, backend=elsewhere)
    await cluster.worker(backend=elsewhere)
    group = await stage.group(SHAKY, Job("gated", {"n": 1}))
    await stage.lost(group)

    async def is_dead() -> bool:
        return (await cluster.broker.stats(["default"]))[0].dead == 1

    await until(is_dead)
    stage.healthy = True
    assert await cluster.broker.replay("default", [group.members[0]]) == 1
    waiting = asyncio.ensure_future(stage.stem.wait_for_group(group.id, 10))
    stage.gate.set()
    assert await waiting == [2, 1]


async def test_waiting_for_a_group_survives_a_broker_that_is_away_for_a_while(memory: Cluster) -> None:
    faulty = FaultyBroker(memory.broker)
    stage = Stage(memory)
    stage.stem = Stem(broker=faulty, registry=memory.registry)
    group = await stage.group(NUMBER)
    faulty.faults.fail("group", times=3)
    await memory.worker()
    assert await stage.stem.wait_for_group(group.id, 10) == [1]
    faulty.faults.fail("group", times=1000)
    with pytest.raises(WaitTimeoutError) as caught:
        await stage.stem.wait_for_group(group.id, 0.1)
    assert caught.value.hint is not None
    assert "cannot be reached" in caught.value.hint


async def test_a_member_is_settled_though_there_is_no_room_for_the_note(
    memory: Cluster, in_memory: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = memory.broker.append

    async def full(topic: str, bodies: Any, ttl: float | None = None) -> None:
        if topic.startswith("group."):
            raise BrokerFullError("no room")
        await append(topic, bodies, ttl)

    monkeypatch.setattr(memory.broker, "append", full)
    await memory.worker()
    group = await in_memory.group(SHAKY)
    assert (await memory.ended(group.members[0])).state is TaskState.FAILED


async def test_jobs_in_no_group_cost_no_further_call(memory: Cluster) -> None:
    faulty = FaultyBroker(memory.broker)
    stage = Stage(memory)
    memory.broker = faulty
    await memory.worker()
    for name, args in (("number", {"n": 1}), ("shaky", {"n": 1})):
        await memory.ended(await memory.send(name, args))
    calls = faulty.faults.calls
    assert (calls["publish"], calls["settle"], calls["begin"]) == (2, 2, 0)
    assert (calls["add_to_group"], calls["locate"], stage.told) == (0, 0, [])


@pytest.mark.process
async def test_a_member_that_kills_its_workers_is_named_in_the_end(
    store_url: str, namespace: str, tmp_path: Path
) -> None:
    cluster = Cluster(await connect_broker(store_url, namespace=namespace, lease=1.0))
    for name in ("poison", "member", "collect"):
        cluster.task(name, lambda **args: args)
    stem = Stem(broker=cluster.broker, registry=cluster.registry)
    jobs = [Job("member", {"number": 1, "seconds": 0.0}), Job("poison")]
    group = await stem.enqueue_group(jobs, on_error=Job("collect", {"results": RESULT}))
    waiting = asyncio.ensure_future(stem.wait_for_group(group.id, 50))
    processes = Processes(store_url, namespace, tmp_path)
    try:
        while not waiting.done():
            worker = processes.start(f"w{len(processes.started)}")
            await until(lambda worker=worker: worker.poll() is not None or waiting.done(), within=30)
        with pytest.raises(GroupFailedError, match="WorkerCrashed") as caught:
            await waiting
        assert (caught.value.task, caught.value.state) == ("poison", "failed")
        await until(lambda: processes.lines("collect"))
        assert processes.lines("collect") == [group.on_error]
        assert (await cluster.ended(group.members[0])).state is TaskState.SUCCEEDED
    finally:
        processes.close()
        await cluster.close()


async def test_a_timeout_of_zero_looks_once(cluster: Cluster, stage: Stage) -> None:
    group = await stage.group(NUMBER)
    with pytest.raises(WaitTimeoutError, match="1 of 1 have not succeeded yet"):
        await stage.stem.wait_for_group(group.id, 0)
    with pytest.raises(WaitTimeoutError, match="it is queued"):
        await stage.stem.wait_for(group.members[0], 0)
    await cluster.worker()
    await cluster.ended(group.members[0])
    assert (await stage.stem.wait_for(group.members[0], 0)).result == 1
    assert await stage.stem.wait_for_group(group.id, 0) == [1]
    lost = await stage.group(SHAKY)
    await cluster.ended(lost.members[0])
    with pytest.raises(GroupFailedError):
        await stage.stem.wait_for_group(lost.id, 0)


async def test_a_foreign_note_harms_nobody(memory: Cluster, in_memory: Stage) -> None:
    group = await in_memory.group(NUMBER)
    notes = [b"nonsense", b'{"index":7,"id":"x","name":"y","state":"failed"}', b'{"index":-1,"id":"x"}']
    await memory.broker.append(f"group.{group.id}", notes)
    await memory.worker()
    assert await in_memory.stem.wait_for_group(group.id, 10) == [1]


async def test_an_unknown_group_has_no_status(in_memory: Stage) -> None:
    assert await in_memory.stem.group_status("nobody") is None


async def test_in_tests_of_users_a_lost_member_is_seen_too() -> None:
    stem = Stem(broker=InMemoryBroker())

    @stem.task("fails")
    async def fails() -> None:
        raise ValueError("it")

    async with InlineWorker(stem, raises=False) as worker:
        group = await stem.enqueue_group([fails.job()])
        await worker.drain()
        with pytest.raises(GroupFailedError, match="ValueError: it"):
            await stem.wait_for_group(group.id, 5)
