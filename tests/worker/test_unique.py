"""Unique jobs: of those with the same arguments one waits or runs at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stem_core.client import ControlClient, Job, Stem
from stem_core.client.unique import lock_name, unique_key
from stem_core.errors import BrokerError
from stem_core.states import TaskState
from tests.worker.cluster import Cluster, until


@pytest.fixture
def stem(cluster: Cluster) -> Stem:
    cluster.task("report", lambda day=1: day, unique=True)
    cluster.task("plain", lambda: None)
    return Stem(broker=cluster.broker, registry=cluster.registry)


async def published(cluster: Cluster) -> int:
    return sum(stats.published for stats in await cluster.broker.stats(["default", "other"]))


async def test_of_producers_that_race_one_sends_and_all_get_its_id(cluster: Cluster, stem: Stem) -> None:
    producers = [stem, Stem(broker=cluster.broker, registry=cluster.registry)]
    ids = await asyncio.gather(*(producers[number % 2].enqueue("report", {"day": 1}) for number in range(20)))
    assert len(set(ids)) == 1
    assert await published(cluster) == 1


async def test_other_arguments_or_another_queue_make_another_job(stem: Stem) -> None:
    ids = [
        await stem.enqueue("report", {"day": 1}),
        await stem.enqueue("report", {"day": 2}),
        await stem.enqueue("report", {"day": 1}, queue="other"),
        await stem.enqueue("report", {"day": 1}, unique=False),
    ]
    assert len(set(ids)) == 4
    assert await stem.enqueue("report", {"day": 2}) == ids[1]


async def test_after_it_ended_the_next_one_is_sent_and_its_lock_is_free(cluster: Cluster, stem: Stem) -> None:
    await cluster.worker()
    first = await stem.enqueue("report", {"day": 1})
    assert (await cluster.ended(first)).state is TaskState.SUCCEEDED
    name = lock_name(unique_key("report", "default", {"day": 1}))

    async def is_free() -> bool:
        return await cluster.broker.lock_owner(name) is None

    await until(is_free)
    second = await stem.enqueue("report", {"day": 1})
    assert second != first
    assert (await cluster.ended(second)).state is TaskState.SUCCEEDED


async def test_while_it_runs_or_waits_for_a_retry_nothing_is_sent(cluster: Cluster) -> None:
    go = asyncio.Event()

    async def work(context: Any) -> None:
        await go.wait()
        context.retry(600)

    cluster.task("slow", work, unique=True, max_retries=1)
    stem = Stem(broker=cluster.broker, registry=cluster.registry)
    first = await stem.enqueue("slow")
    worker = await cluster.worker()
    await until(lambda: worker.snapshot().running)
    assert await stem.enqueue("slow") == first
    go.set()

    async def waits() -> bool:
        place = (await cluster.broker.locate([first]))[0]
        return place is not None and place.where == "delayed"

    await until(waits)
    assert await stem.enqueue("slow") == first


async def test_after_it_was_revoked_while_it_waited_the_next_one_is_sent(cluster: Cluster, stem: Stem) -> None:
    first = await stem.enqueue("report", countdown=600)
    assert await stem.enqueue("report") == first
    await ControlClient(cluster.broker, issuer="test", timeout=0.05).revoke([first])
    second = await stem.enqueue("report")
    assert second != first
    assert await stem.enqueue("report") == second


async def test_a_job_that_died_keeps_nothing_out(cluster: Cluster) -> None:
    def fail() -> None:
        raise ValueError("no")

    cluster.task("fails", fail, unique=True)
    stem = Stem(broker=cluster.broker, registry=cluster.registry)
    await cluster.worker()
    first = await stem.enqueue("fails")
    assert (await cluster.ended(first)).state is TaskState.FAILED
    assert await stem.enqueue("fails") != first


async def test_when_its_time_is_over_the_next_one_is_sent_beside_it(cluster: Cluster, stem: Stem) -> None:
    first = await stem.enqueue("report", unique_for=1.0)
    assert await stem.enqueue("report") == first

    async def another() -> bool:
        return await stem.enqueue("report", unique_for=1.0) != first

    await until(another)
    assert (await cluster.broker.locate([first]))[0] is not None


async def test_a_lock_whose_producer_died_before_it_sent_is_taken_over(cluster: Cluster, stem: Stem) -> None:
    name = lock_name(unique_key("report", "default", {}))
    await cluster.broker.lock(name, "never-sent", 600)
    sent = await stem.enqueue("report")
    assert sent != "never-sent"
    assert await cluster.broker.lock_owner(name) == sent


async def test_who_sends_many_gets_the_ids_in_order_and_no_unique_one_twice(cluster: Cluster, stem: Stem) -> None:
    days = [1, 2, 1, 3]
    jobs = [job for day in days for job in (Job("report", {"day": day}), Job("plain"))]
    ids = await stem.enqueue_many(jobs)
    assert ids[0] == ids[4]
    assert len(set(ids)) == 7
    places = await cluster.broker.locate(ids)
    assert all(place is not None and place.id == task_id for place, task_id in zip(places, ids, strict=True))


async def test_a_send_that_fails_leaves_the_way_free(memory: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.task("report", lambda: None, unique=True)
    stem = Stem(broker=memory.broker, registry=memory.registry)
    publish = memory.broker.publish

    async def refuse(_batch: Any) -> None:
        raise BrokerError("full")

    monkeypatch.setattr(memory.broker, "publish", refuse)
    with pytest.raises(BrokerError, match="full"):
        await stem.enqueue("report")
    monkeypatch.setattr(memory.broker, "publish", publish)
    sent = await asyncio.wait_for(stem.enqueue("report"), 10)
    assert (await memory.broker.locate([sent]))[0] is not None


def test_the_order_of_arguments_makes_no_difference() -> None:
    one = unique_key("t", "q", {"a": {"x": 1, "y": [2]}, "b": None})
    assert one == unique_key("t", "q", {"b": None, "a": {"y": [2], "x": 1}})
    assert one != unique_key("t", "q", {"a": {"x": 1, "y": [3]}, "b": None})
