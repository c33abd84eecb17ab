"""Tasks that are replayed while their results are in another store, which does not hear of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from stem_core import RESULT, Job, Stem
from stem_core.errors import WaitTimeoutError
from stem_core.results import TaskStatus
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.port import KeptRecord
from tests.worker.cluster import Cluster, until


class Stage:
    """A task that fails until it is mended, and then waits for a gate; results are elsewhere."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.elsewhere = InMemoryBroker("elsewhere").results()
        self.stem = Stem(broker=cluster.broker, registry=cluster.registry, backend=self.elsewhere)
        self.healthy = False
        self.gate = asyncio.Event()
        self.runs = 0
        cluster.task("shaky", self.shaky)
        cluster.task("note", self.note)

    async def shaky(self) -> str:
        self.runs += 1
        if not self.healthy:
            raise ValueError("not yet")
        await self.gate.wait()
        return "mended"

    async def note(self, value: object) -> object:
        return value

    async def died(self) -> str:
        """Let the task fail for good, and its dead letter be there."""
        task_id = await self.stem.enqueue("shaky")
        assert (await self.stem.wait_for(task_id, 10)).state is TaskState.FAILED
        await until(self.is_dead, "the dead letter")
        return task_id

    async def is_dead(self) -> bool:
        return (await self.cluster.broker.stats(["default"]))[0].dead == 1

    async def status(self, task_id: str) -> TaskStatus:
        status = await self.stem.status(task_id)
        assert status is not None
        return status


@pytest.fixture
def stage(cluster: Cluster) -> Stage:
    return Stage(cluster)


async def test_waiting_for_a_replayed_task_waits_for_its_new_end(cluster: Cluster, stage: Stage) -> None:
    worker = await cluster.worker(backend=stage.elsewhere)
    task_id = await stage.died()
    await worker.shutdown()
    assert await cluster.broker.replay("default", [task_id]) == 1

    assert (await stage.status(task_id)).state is TaskState.QUEUED
    with pytest.raises(WaitTimeoutError) as caught:
        await stage.stem.wait_for(task_id, 0.05)
    assert caught.value.hint is not None
    assert "it is queued" in caught.value.hint

    stage.healthy = True
    waiting = asyncio.ensure_future(stage.stem.wait_for(task_id, 10))
    await cluster.worker(backend=stage.elsewhere)
    await until(lambda: stage.runs == 2)
    assert (await stage.status(task_id)).state is not TaskState.FAILED
    assert not waiting.done()
    stage.gate.set()
    ended = await waiting
    assert (ended.state, ended.result, ended.deliveries) == (TaskState.SUCCEEDED, "mended", 2)
    assert await stage.status(task_id) == ended


async def test_a_failure_that_is_recorded_but_not_given_up_yet_is_an_end(
    cluster: Cluster, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, release = cluster.broker.settle, asyncio.Event()

    async def held(outcomes: Sequence[object]) -> object:
        await release.wait()
        return await settle(outcomes)  # type: ignore[arg-type]

    monkeypatch.setattr(cluster.broker, "settle", held)
    await cluster.worker(backend=stage.elsewhere)
    task_id = await stage.stem.enqueue("shaky")
    assert (await stage.stem.wait_for(task_id, 10)).state is TaskState.FAILED
    assert (await stage.status(task_id)).state is TaskState.FAILED
    release.set()


async def test_a_chain_that_is_replayed_goes_on_though_its_old_failure_is_still_recorded(
    cluster: Cluster, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link is sent before the result is written: what it finds until then is the failure of the run before."""
    await cluster.worker(backend=stage.elsewhere)
    ids = await stage.stem.enqueue_chain([Job("shaky"), Job("note", {"value": RESULT})])
    assert (await stage.stem.wait_for(ids[0], 10)).state is TaskState.FAILED
    await until(stage.is_dead)
    put, get, looked = stage.elsewhere.put, stage.elsewhere.get, asyncio.Event()

    async def held(entries: Sequence[KeptRecord]) -> list[bool]:
        if any(entry.id == ids[0] for entry in entries):
            await looked.wait()
        return await put(entries)

    async def watched(asked: Sequence[str]) -> list[bytes | None]:
        found = await get(asked)
        if asked == [ids[0]]:  # the worker of the link asks
            looked.set()
        return found

    monkeypatch.setattr(stage.elsewhere, "put", held)
    monkeypatch.setattr(stage.elsewhere, "get", watched)
    stage.healthy = True
    stage.gate.set()
    await cluster.broker.replay("default", [ids[0]])
    ended = await stage.stem.wait_for(ids[1], 10)
    assert looked.is_set()
    assert (ended.state, ended.result) == (TaskState.SUCCEEDED, "mended")
