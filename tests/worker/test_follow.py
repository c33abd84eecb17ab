"""What follows a task: links on success and failure, and chains."""

from __future__ import annotations

from typing import Any

import pytest

from stem_core import RESULT, Job, Stem, TaskContext
from stem_core.delivery import Settlement
from stem_core.envelope import Sealed, unseal
from stem_core.errors import BrokerFullError, EnvelopeTooLargeError, UsageError
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from tests.worker import child_app
from tests.worker.cluster import Cluster, until

calls: list[object] = []


@pytest.fixture
def stem(cluster: Cluster) -> Stem:
    calls.clear()
    return with_tasks(cluster)


@pytest.fixture
def in_memory(memory: Cluster) -> Stem:
    calls.clear()
    return with_tasks(memory)


def with_tasks(cluster: Cluster) -> Stem:
    def add(x: int, y: int) -> int:
        return x + y

    def note(value: object) -> object:
        calls.append(value)
        return value

    def fail(why: str = "broken") -> None:
        raise ValueError(why)

    cluster.task("add", add)
    cluster.task("note", note)
    cluster.task("fail", fail)
    return Stem(broker=cluster.broker, registry=cluster.registry)


async def test_a_link_gets_the_result_under_the_name_where_it_was_asked_for(cluster: Cluster, stem: Stem) -> None:
    await cluster.worker()
    sums = [Job("add", {"x": RESULT, "y": 10}, task_id="ten"), Job("add", {"x": RESULT, "y": RESULT}, task_id="twice")]
    await stem.enqueue("add", {"x": 1, "y": 2}, link=sums)
    assert (await cluster.ended("ten")).result == 13
    assert (await cluster.ended("twice")).result == 6


async def test_a_failure_sends_the_other_link_with_its_error_once_retries_are_used_up(
    cluster: Cluster, stem: Stem
) -> None:
    await cluster.worker()
    failed = await stem.enqueue(
        "fail",
        link=Job("note", {"value": "success"}, task_id="good"),
        link_error=Job("note", {"value": RESULT}, task_id="bad"),
        max_retries=1,
    )
    assert (await cluster.ended("bad")).result == {"type": "ValueError", "message": "broken"}
    assert (await cluster.ended(failed)).attempt == 1
    assert calls == [{"type": "ValueError", "message": "broken"}]
    assert await cluster.broker.locate(["good"]) == [None]


async def test_a_success_sends_no_link_for_failures_and_a_revoked_task_sends_none(cluster: Cluster, stem: Stem) -> None:
    await cluster.worker(concurrency=1)
    links: dict[str, Any] = {"link": Job("note", {"value": "good"}), "link_error": Job("note", {"value": "bad"})}
    await stem.enqueue("note", {"value": "first"}, **links)
    await until(lambda: calls == ["first", "good"])
    expired = await stem.enqueue("note", {"value": "late"}, expires=0.001, countdown=0.1, **links)
    assert (await cluster.ended(expired)).state is TaskState.CANCELLED
    await cluster.ended(await stem.enqueue("note", {"value": "last"}))
    assert calls == ["first", "good", "last"]


async def test_a_chain_runs_in_order_and_hands_results_on(cluster: Cluster, stem: Stem) -> None:
    await cluster.worker()
    await cluster.worker()
    jobs = [Job("add", {"x": 0, "y": 1}), *[Job("add", {"x": RESULT, "y": 1}) for _ in range(9)]]
    ids = await stem.enqueue_chain(jobs)
    assert len(ids) == 10
    assert (await cluster.ended(ids[-1])).result == 10
    assert [(await cluster.ended(each)).result for each in ids] == list(range(1, 11))


async def test_a_chain_that_broke_goes_on_when_its_dead_letter_is_replayed(cluster: Cluster, stem: Stem) -> None:
    healthy = False

    def shaky(value: int) -> int:
        if not healthy:
            raise ValueError("not yet")
        return value

    cluster.task("shaky", shaky)
    await cluster.worker()
    jobs = [Job("add", {"x": 1, "y": 1}), Job("shaky", {"value": RESULT}), Job("note", {"value": RESULT})]
    ids = await stem.enqueue_chain(jobs)
    assert (await cluster.ended(ids[1])).state is TaskState.FAILED
    assert await cluster.broker.locate([ids[2]]) == [None]
    healthy = True
    assert await cluster.broker.replay("default", [ids[1]]) == 1
    assert (await cluster.ended(ids[2])).result == 2


async def test_what_follows_waits_for_the_job_before_it_to_be_settled(cluster: Cluster, stem: Stem) -> None:
    """A worker that dies between the two has sent the link already; the link waits for the run that counts."""
    parent = await stem.enqueue("add", {"x": 1, "y": 2}, queue="slow", link=Job("note", {"value": RESULT}))
    place = (await cluster.broker.locate([parent]))[0]
    assert place is not None
    link = unseal(place.body).links[0]
    await cluster.broker.publish([link.sealed()])
    worker = await cluster.worker()
    await until(lambda: delayed(cluster))
    assert calls == []
    await cluster.worker(queue="slow")
    ended = await cluster.ended(link.id)
    assert (ended.result, calls, ended.deliveries) == (3, [3], 1)
    await worker.shutdown()


async def delayed(cluster: Cluster) -> bool:
    return (await cluster.broker.stats(["default"]))[0].delayed == 1


async def test_an_input_that_has_run_out_is_a_dead_letter_that_says_so(cluster: Cluster, stem: Stem) -> None:
    link = Job("note", {"value": RESULT}, countdown=1.2, task_id="late")
    parent = await stem.enqueue("add", {"x": 1, "y": 2}, result_ttl=0.2, link=link)
    await cluster.worker()
    ended = await cluster.ended("late")
    assert (ended.state, ended.reason) == (TaskState.FAILED, "input-missing")
    assert ended.error is not None
    assert parent in ended.error.message
    assert "run out" in ended.error.message


async def test_results_of_another_backend_reach_what_follows(cluster: Cluster, stem: Stem) -> None:
    elsewhere = InMemoryBroker("elsewhere").results()
    await cluster.worker(backend=elsewhere)
    await stem.enqueue("add", {"x": 1, "y": 2}, link=Job("note", {"value": RESULT}))
    await until(lambda: calls == [3])


async def test_with_results_elsewhere_a_job_that_runs_again_sends_nothing_that_has_ended(
    cluster: Cluster, stem: Stem
) -> None:
    elsewhere = InMemoryBroker("elsewhere").results()
    link = Job("note", {"value": "once"}, task_id="link")
    parent = await stem.enqueue("add", {"x": 1, "y": 2}, link=link, task_id="again")
    place = (await cluster.broker.locate([parent]))[0]
    assert place is not None
    await cluster.worker(backend=elsewhere)
    await until(lambda: calls == ["once"])
    await until(lambda: settled(cluster, 2))
    # The broker has forgotten both, as if the worker had died before the first was settled.
    await cluster.broker.publish([Sealed("again", "default", 0, place.body)])
    await until(lambda: settled(cluster, 3))
    assert (calls, (await cluster.broker.stats(["default"]))[0].published) == (["once"], 3)


async def settled(cluster: Cluster, number: int) -> bool:
    stats = (await cluster.broker.stats(["default"]))[0]
    return (stats.succeeded, stats.inflight) == (number, 0)


async def test_a_queue_that_is_full_delays_what_follows_but_settles_all_other_jobs(
    memory: Cluster, in_memory: Stem, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = memory.broker.publish
    full = True

    async def choosy(batch: Any) -> None:
        if full and any(job.queue == "full" for job in batch):
            raise BrokerFullError("no room")
        await publish(batch)

    monkeypatch.setattr(memory.broker, "publish", choosy)
    await memory.worker()
    parent = await in_memory.enqueue("add", {"x": 1, "y": 2}, link=Job("note", {"value": RESULT}, queue="full"))
    await until(lambda: memory.workers[0].snapshot().held == 1)
    for _ in range(5):
        await memory.ended(await in_memory.enqueue("note", {"value": "other"}))
    assert (await memory.broker.results().get([parent]))[0] is None
    full = False
    assert (await memory.ended(parent)).result == 3
    assert (await memory.broker.stats(["full"]))[0].ready == 1


async def test_a_settle_that_is_repeated_sends_nothing_twice(
    memory: Cluster, in_memory: Stem, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle, refusals = memory.broker.settle, 3

    async def shaky(outcomes: list[Settlement]) -> Any:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise BrokerFullError("try again")
        return await settle(outcomes)

    monkeypatch.setattr(memory.broker, "settle", shaky)
    await memory.worker()
    await in_memory.enqueue("add", {"x": 1, "y": 2}, link=Job("note", {"value": RESULT}))
    await until(lambda: calls == [3])
    assert (await memory.broker.stats(["default"]))[0].published == 2


async def test_typed_jobs_and_tasks_themselves_can_have_something_follow(memory: Cluster) -> None:
    stem = Stem(broker=memory.broker, registry=memory.registry)
    seen: list[object] = []

    @stem.task("double")
    def double(x: int) -> int:
        return 2 * x

    @stem.task("keep")
    def keep(value: object) -> None:
        seen.append(value)

    @stem.task("starts")
    async def starts(context: TaskContext) -> str:
        return await context.enqueue("double", {"x": 4}, link=Job("keep", {"value": RESULT}))

    await memory.worker()
    await stem.enqueue_chain([double.job(1), Job("double", {"x": RESULT}), Job("keep", {"value": RESULT})])
    await until(lambda: seen == [4])
    await double.with_options(link=keep.job("typed")).enqueue(1)
    await until(lambda: seen == [4, "typed"])
    await starts.enqueue()
    await until(lambda: seen == [4, "typed", 8])


async def test_more_than_fifty_behind_each_other_are_refused(in_memory: Stem, memory: Cluster) -> None:
    await in_memory.enqueue_chain([Job("note", {"value": 1})] * 51)
    with pytest.raises(UsageError, match="more than 50"):
        await in_memory.enqueue_chain([Job("note", {"value": 1})] * 52)
    with pytest.raises(UsageError, match="same task_id"):
        await in_memory.enqueue_chain([Job("note", {"value": 1}, task_id="a")] * 2)
    for buried in ([1, RESULT], {"deep": {"er": RESULT}}):
        with pytest.raises(UsageError, match="inside of another value"):
            await in_memory.enqueue_chain([Job("note", {"value": 1}), Job("note", {"value": buried})])
    with pytest.raises(UsageError, match="no jobs"):
        await in_memory.enqueue_chain([])
    with pytest.raises(UsageError, match="unique"):
        await in_memory.enqueue_chain([Job("note", {"value": 1}, unique=True)])
    with pytest.raises(EnvelopeTooLargeError):
        await in_memory.enqueue_chain([Job("note", {"value": "x" * 300_000})] * 4)
    assert (await memory.broker.stats(["default"]))[0].published == 1


@pytest.mark.process
@pytest.mark.redis
async def test_a_child_process_gets_the_results_too(
    redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEM_BROKER_URL", redis_url)
    cluster = Cluster(await connect_broker(redis_url, namespace=namespace, lease=5.0))
    stem = Stem(broker=cluster.broker, registry=child_app.stem.registry)
    await cluster.worker(registry=child_app.stem.registry, app=child_app.APP, concurrency=1)
    ids = await stem.enqueue_chain(
        [Job("aecho", {"value": ["é", 1]}), Job("aecho", {"value": RESULT}), Job("echo", {"value": RESULT})]
    )
    result: Any = (await cluster.ended(ids[2], 30)).result
    await cluster.close()
    assert result[0] == ["é", 1]


def test_the_placeholder_says_what_it_is() -> None:
    assert repr(RESULT) == "RESULT"
