"""Endings that a store refuses, and errors of a store that nobody foresaw: they hold up nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import redis.asyncio as redis

from stem_core import RESULT, Job, Stem
from stem_core.delivery import Outcome, Settled, Settlement
from stem_core.envelope import Sealed
from stem_core.errors import BrokerError, BrokerFullError
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.redis import keys
from stem_core.worker import WorkerLifecycleConfig
from tests.servers import RedisServer
from tests.worker.cluster import Cluster, until

ERRORS = [
    pytest.param(BrokerError("the server answered: WRONGTYPE"), id="refused"),
    pytest.param(RuntimeError("a slip in the store"), id="unforeseen"),
]


class Choosy(InMemoryBroker):
    """A broker that settles no batch with certain outcomes in it, and takes no job for certain queues."""

    def __init__(self, namespace: str) -> None:
        super().__init__(namespace, lease=1.0)
        self.error: Exception = BrokerError("refused")
        self.refused: set[tuple[str, Outcome]] = set()
        self.closed_queues: dict[str, Exception] = {}
        self.asked = 0

    async def settle(self, outcomes: Sequence[Settlement]) -> list[Settled]:
        if any((each.delivery.id, each.outcome) in self.refused for each in outcomes):
            self.asked += 1
            raise self.error
        return await super().settle(outcomes)

    async def publish(self, batch: Sequence[Sealed]) -> None:
        for each in batch:
            if each.queue in self.closed_queues:
                raise self.closed_queues[each.queue]
        await super().publish(batch)


@pytest.fixture
def choosy(namespace: str) -> Choosy:
    return Choosy(namespace)


@pytest.fixture
async def cluster(choosy: Choosy) -> AsyncIterator[Cluster]:
    cluster = Cluster(choosy)
    cluster.task("work", lambda value=None: value)
    yield cluster
    await cluster.close()


async def at_once(cluster: Cluster, number: int) -> list[str]:
    """Run jobs that end in the same moment; returns their ids once they run."""
    go, running = asyncio.Event(), 0

    async def wait() -> None:
        nonlocal running
        running += 1
        if running == number:
            go.set()
        await go.wait()

    cluster.task("wait", wait)
    return [await cluster.send("wait") for _ in range(number)]


@pytest.mark.parametrize("error", ERRORS)
async def test_an_outcome_that_is_refused_becomes_a_failure_that_says_why_and_its_neighbours_stay_as_they_are(
    cluster: Cluster, choosy: Choosy, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    ids = await at_once(cluster, 9)
    culprit, *others = ids
    choosy.error = error
    choosy.refused = {(culprit, Outcome.SUCCEEDED)}
    worker = await cluster.worker(concurrency=9)
    for each in others:
        assert (await cluster.ended(each)).state is TaskState.SUCCEEDED
    status = await cluster.ended(culprit)
    assert (status.state, status.reason) == (TaskState.FAILED, "outcome-refused")
    assert status.error is not None
    assert "'succeeded'" in status.error.message
    assert str(error) in status.error.message
    letters, _ = await choosy.dead("default", 10)
    assert [(letter.id, letter.reason) for letter in letters] == [(culprit, "outcome-refused")]
    await until(lambda: worker.snapshot().held == 0)
    assert (worker.snapshot().succeeded, worker.snapshot().failed) == (8, 1)
    assert culprit in caplog.text
    assert choosy.asked < 20


@pytest.mark.parametrize("error", ERRORS)
async def test_what_is_refused_in_every_form_is_asked_seldom_and_holds_up_neither_others_nor_a_drain(
    cluster: Cluster, choosy: Choosy, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    choosy.error = error
    worker = await cluster.worker(lifecycle=WorkerLifecycleConfig(force_shutdown_after=0.1))
    culprit = await cluster.send("work", delay=0.05)
    choosy.refused = {(culprit, outcome) for outcome in Outcome}
    await until(lambda: choosy.asked >= 4)
    for _ in range(5):
        assert (await cluster.ended(await cluster.send("work"))).state is TaskState.SUCCEEDED
    assert choosy.asked < 20
    assert worker.snapshot().held == 1
    await asyncio.wait_for(worker.shutdown(), 10)
    assert "1 outcomes wait for the broker; it gets 1 s" in caplog.text
    choosy.refused.clear()


async def test_an_outcome_that_is_taken_at_last_stands(cluster: Cluster, choosy: Choosy) -> None:
    await cluster.worker()
    task_id = await cluster.send("work", {"value": 7}, delay=0.05)
    choosy.refused = {(task_id, outcome) for outcome in Outcome}
    await until(lambda: choosy.asked >= 4)
    choosy.refused.clear()
    status = await cluster.ended(task_id)
    assert (status.state, status.result) == (TaskState.SUCCEEDED, 7)


async def test_a_retry_that_is_refused_becomes_a_failure_with_all_that_follows_one(
    cluster: Cluster, choosy: Choosy
) -> None:
    def fail() -> None:
        raise ValueError("broken")

    cluster.task("fail", fail, max_retries=3)
    choosy.refused = {("culprit", Outcome.RETRY)}
    await cluster.worker()
    stem = Stem(broker=choosy, registry=cluster.registry)
    await stem.enqueue("fail", task_id="culprit", link_error=Job("work", {"value": RESULT}, task_id="told"))
    status = await cluster.ended("culprit")
    assert (status.state, status.reason) == (TaskState.FAILED, "outcome-refused")
    assert status.error is not None
    assert "ValueError: broken" in status.error.message
    assert (await cluster.ended("told")).state is TaskState.SUCCEEDED


@pytest.mark.parametrize("error", [*ERRORS, pytest.param(BrokerFullError("no room"), id="full")])
async def test_what_follows_into_a_queue_that_takes_nothing_holds_up_what_follows_into_others(
    cluster: Cluster, choosy: Choosy, error: Exception
) -> None:
    choosy.closed_queues = {"closed": error}
    stem = Stem(broker=choosy, registry=cluster.registry)
    blocked = await stem.enqueue("work", link=Job("work", queue="closed"))
    open_ones = [await stem.enqueue("work", link=Job("work", queue="open")) for _ in range(3)]
    worker = await cluster.worker()
    for each in open_ones:
        assert (await cluster.ended(each)).state is TaskState.SUCCEEDED
    assert (await choosy.results().get([blocked])) == [None]
    assert worker.snapshot().held == 1
    choosy.closed_queues.clear()
    assert (await cluster.ended(blocked)).state is TaskState.SUCCEEDED
    figures = await choosy.stats(["open", "closed"])
    assert [each.ready for each in figures] == [3, 1]


@pytest.mark.redis
async def test_a_key_that_is_no_list_of_dead_letters_keeps_failures_waiting_and_nothing_else(
    redis_server: RedisServer, namespace: str
) -> None:
    cluster = Cluster(await connect_broker(redis_server.url, namespace=namespace, lease=5.0))

    def fail() -> None:
        raise ValueError("broken")

    cluster.task("fail", fail, max_retries=0)
    cluster.task("work", lambda: 1)
    key = keys.queue_prefix(namespace, "default") + "dead"
    server = redis.from_url(redis_server.url)
    await server.set(key, "somebody else's")
    failed = await cluster.send("fail")
    others = [await cluster.send("work") for _ in range(10)]
    await cluster.worker(concurrency=12)
    for each in others:
        assert (await cluster.ended(each)).state is TaskState.SUCCEEDED
    assert await cluster.broker.results().get([failed]) == [None]
    await server.delete(key)
    await server.aclose()
    assert (await cluster.ended(failed)).reason == "max-retries-exhausted"
    await cluster.close()
