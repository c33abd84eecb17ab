"""Enqueueing: what travels, where to, and what is refused before anything is sent."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from stem_core import RESULT, InMemoryBroker, Stem, StemConfig, StemSignals, TaskContext, TaskState
from stem_core.client import Job
from stem_core.envelope import Envelope, unseal
from stem_core.errors import (
    ConfigurationError,
    EnvelopeTooLargeError,
    InvalidArgumentsError,
    StemError,
    UnknownTaskError,
    UsageError,
    WaitTimeoutError,
)
from stem_core.results import TaskRecord, encode_record
from stem_core.routing import RoutingConfig, Rule, broadcast_topic
from stem_core.stores.port import FROM_START, KeptRecord


@pytest.fixture
def broker() -> InMemoryBroker:
    return InMemoryBroker()


@pytest.fixture
def stem(broker: InMemoryBroker) -> Stem:
    stem = Stem(broker=broker)

    @stem.task("report.generate", queue="reports", priority=4, max_retries=3)
    async def generate(context: TaskContext, report_id: str, pages: int = 1) -> str:
        return f"{context.id} {report_id} {pages}"

    @stem.task("plain")
    def plain(n: int = 0) -> int:
        return n

    return stem


async def sent(broker: InMemoryBroker, task_id: str) -> Envelope:
    place = (await broker.locate([task_id]))[0]
    assert place is not None
    return unseal(place.body)


async def test_an_envelope_carries_only_what_the_caller_set(stem: Stem, broker: InMemoryBroker) -> None:
    envelope = await sent(broker, await stem.enqueue("report.generate", {"report_id": "a"}))
    assert (envelope.name, envelope.queue, envelope.priority) == ("report.generate", "reports", 4)
    assert envelope.args == {"report_id": "a"}
    assert envelope.max_retries is None
    assert envelope.hard_time_limit is None


async def test_what_the_caller_sets_travels(stem: Stem, broker: InMemoryBroker) -> None:
    task_id = await stem.enqueue(
        "plain",
        {"n": 1},
        queue="q",
        priority=9,
        max_retries=0,
        hard_time_limit=timedelta(minutes=1),
        expires=30,
        task_id="order:7",
        headers={"tier": "gold"},
        meta={"trace": [1]},
        result_ttl=5,
        ignore_result=True,
    )
    envelope = await sent(broker, task_id)
    assert task_id == envelope.id == "order:7"
    assert (envelope.queue, envelope.priority, envelope.max_retries, envelope.hard_time_limit) == ("q", 9, 0, 60.0)
    assert envelope.expires_at == pytest.approx(envelope.enqueued_at + 30)
    assert (envelope.headers, envelope.meta) == ({"tier": "gold"}, {"trace": [1]})
    assert (envelope.result_ttl, envelope.ignore_result) == (5.0, True)


async def test_a_countdown_or_eta_makes_a_job_wait(stem: Stem, broker: InMemoryBroker) -> None:
    in_an_hour = datetime.fromtimestamp(await broker.time() + 3600, UTC)
    ids = [await stem.enqueue("plain", countdown=60), await stem.enqueue("plain", eta=in_an_hour)]
    places = await broker.locate(ids)
    assert [place and place.where for place in places] == ["delayed", "delayed"]


async def test_a_broadcast_goes_to_its_channel_and_to_no_queue(stem: Stem, broker: InMemoryBroker) -> None:
    task_id = await stem.enqueue("plain", {"n": 1}, broadcast="updates")
    messages = await broker.read({broadcast_topic("updates"): FROM_START}, 10, 0)
    assert [unseal(message.body).id for message in messages] == [task_id]
    assert unseal(messages[0].body).broadcast == "updates"
    assert await broker.locate([task_id]) == [None]


async def test_routing_decides_where_nobody_else_did(broker: InMemoryBroker) -> None:
    routing = RoutingConfig(rules=(Rule(tasks=("plain",), queue="routed", priority=2),))
    stem = Stem(broker=broker, routing=routing)
    stem.task("plain")(lambda: None)
    routed = await sent(broker, await stem.enqueue("plain"))
    asked = await sent(broker, await stem.enqueue("plain", queue="asked"))
    assert (routed.queue, routed.priority, asked.queue) == ("routed", 2, "asked")


async def test_the_default_queue_is_a_setting(broker: InMemoryBroker) -> None:
    stem = Stem(broker=broker, config=StemConfig(default_queue="main"))
    stem.task("plain")(lambda: None)
    assert (await sent(broker, await stem.enqueue("plain"))).queue == "main"


@pytest.mark.parametrize(
    ("name", "args", "options", "error", "says"),
    [
        ("report.generat", {}, {}, UnknownTaskError, "report.generate"),
        ("report.generate", {}, {}, InvalidArgumentsError, "report_id"),
        ("report.generate", {"report_id": "a", "page": 1}, {}, InvalidArgumentsError, "pages"),
        ("plain", {"n": object()}, {}, InvalidArgumentsError, "object"),
        ("plain", {"n": "\ud800"}, {}, InvalidArgumentsError, "plain"),
        ("plain", {"n": "x" * 1024 * 1024}, {}, EnvelopeTooLargeError, "bytes"),
        ("plain", [1], {}, InvalidArgumentsError, "plain"),
        ("plain", {}, {"que": "x"}, UsageError, "queue"),
        ("plain", {}, {"countdown": float("inf")}, UsageError, "countdown"),
        ("plain", {}, {"countdown": 10**400}, UsageError, "countdown"),
        ("plain", {}, {"result_ttl": 1e300}, UsageError, "result_ttl"),
        ("plain", {}, {"eta": datetime.max.replace(tzinfo=UTC)}, UsageError, "eta"),
        ("plain", {}, {"expires": datetime.min.replace(tzinfo=UTC)}, UsageError, "expires"),
        ("plain", {}, {"link": "x"}, UsageError, "link"),
        ("plain", {}, {"link_error": [1]}, UsageError, "link_error"),
        ("plain", {}, {"link": Job("missing")}, UnknownTaskError, "missing"),
        ("plain", {}, {"link": Job("report.generate")}, InvalidArgumentsError, "report_id"),
        ("plain", {}, {"link": Job("plain", {"n": object()})}, InvalidArgumentsError, "object"),
        ("plain", {}, {"link": Job("plain", que="x")}, UsageError, "queue"),  # type: ignore[call-arg]  # a misspelling
        ("plain", {}, {"link": Job("plain", unique=True)}, UsageError, "unique"),
        ("plain", {}, {"link": Job("plain", broadcast="c")}, UsageError, "broadcast"),
        ("plain", {}, {"link": Job("plain"), "broadcast": "c"}, UsageError, "broadcast"),
        ("plain", {"n": RESULT}, {}, UsageError, "follows nothing"),
        ("plain", {"n": RESULT}, {"link": Job("plain")}, UsageError, "follows nothing"),
        ("plain", {}, {"link": Job("plain", {"n": RESULT}), "ignore_result": True}, UsageError, "keeps none"),
        ("plain", {}, {"unique_for": 5}, UsageError, "unique"),
        ("plain", {}, {"unique": True, "unique_for": 0}, UsageError, "unique_for"),
        ("plain", {}, {"unique": True, "broadcast": "c"}, UsageError, "unique"),
        ("plain", {"n": object()}, {"unique": True}, InvalidArgumentsError, "object"),
        ("plain", {}, {"rate_limit": "1/s"}, UsageError, "rate_limit"),
        ("plain", {}, {"priority": 10}, UsageError, "0 to 9"),
        ("plain", {}, {"priority": True}, UsageError, "priority"),
        ("plain", {}, {"max_retries": -1}, UsageError, "max_retries"),
        ("plain", {}, {"countdown": -1}, UsageError, "countdown"),
        ("plain", {}, {"countdown": "5s"}, UsageError, "countdown is '5s'"),
        ("plain", {}, {"expires": "1h"}, UsageError, "expires is '1h'"),
        ("plain", {}, {"hard_time_limit": [1]}, UsageError, "hard_time_limit"),
        ("plain", {}, {"retry_policy": {"backoff": True}}, UsageError, "retry_policy"),
        ("plain", {}, {"ignore_result": "no"}, UsageError, "ignore_result"),
        ("plain", {}, {"headers": ["a"]}, UsageError, "headers"),
        ("plain", {}, {"meta": 3}, UsageError, "meta"),
        ("plain", {}, {"queue": 3}, ConfigurationError, "queue"),
        ("plain", {}, {"broadcast": 3}, ConfigurationError, "broadcast"),
        ("plain", {}, {"countdown": 1, "eta": datetime.now(UTC)}, UsageError, "exclude"),
        ("plain", {}, {"eta": datetime(2030, 1, 1)}, UsageError, "timezone"),  # noqa: DTZ001 - the point of it
        ("plain", {}, {"eta": "tomorrow"}, UsageError, "datetime"),
        ("plain", {}, {"expires": 0}, UsageError, "expires"),
        ("plain", {}, {"hard_time_limit": 0}, UsageError, "hard_time_limit"),
        ("plain", {}, {"task_id": "a b"}, UsageError, "task_id"),
        ("plain", {}, {"task_id": "\x1b[2J"}, UsageError, "seen"),
        ("plain", {}, {"headers": {"a": 1}}, UsageError, "header"),
        ("plain", {}, {"broadcast": "c", "queue": "q"}, UsageError, "broadcast"),
        ("plain", {}, {"broadcast": "c", "countdown": 1}, UsageError, "broadcast"),
    ],
)
async def test_what_cannot_work_is_refused_and_nothing_is_sent(
    stem: Stem, broker: InMemoryBroker, name: str, args: Any, options: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await stem.enqueue(name, args, **options)
    assert await broker.queues() == []


async def test_many_are_sent_in_order_or_none_at_all(stem: Stem, broker: InMemoryBroker) -> None:
    with pytest.raises(InvalidArgumentsError):
        await stem.enqueue_many([Job("plain", {"n": 1}), Job("plain", {"m": 1})])
    assert await broker.queues() == []
    ids = await stem.enqueue_many([Job("plain", {"n": 1}), ("plain", {"n": 2}), Job("plain", queue="other")])
    assert [(await sent(broker, task_id)).args for task_id in ids] == [{"n": 1}, {"n": 2}, {}]
    assert await broker.queues() == ["default", "other"]


async def test_listeners_hear_of_a_publish(stem: Stem) -> None:
    heard: list[tuple[str, str, object]] = []
    with (
        StemSignals.on_before_task_publish(lambda event, ctx: heard.append((ctx.name, event.id, ctx.envelope.args))),
        StemSignals.on_after_task_publish(lambda event, ctx: heard.append((ctx.name, event.id, ctx.envelope.args))),
    ):
        task_id = await stem.enqueue("plain", {"n": 3})
    await stem.enqueue("plain")
    assert heard == [("before_task_publish", task_id, {"n": 3}), ("after_task_publish", task_id, {"n": 3})]


async def end(broker: InMemoryBroker, task_id: str, result: object) -> None:
    place = (await broker.locate([task_id]))[0]
    assert place is not None
    record = TaskRecord(state=TaskState.SUCCEEDED, result=result, envelope=msgspec.Raw(place.body))
    await broker.results().put([KeptRecord(task_id, "default", encode_record(record), 60.0, 1)])


async def test_waiters_share_a_poller_and_each_gets_its_own(stem: Stem, broker: InMemoryBroker) -> None:
    ids = [await stem.enqueue("plain", {"n": n}) for n in range(20)]
    waits = [asyncio.ensure_future(stem.wait_for(task_id, timeout=5)) for task_id in [*ids, ids[0]]]
    await asyncio.sleep(0)
    for number, task_id in enumerate(ids):
        await end(broker, task_id, number)
    assert [status.result for status in await asyncio.gather(*waits)] == [*range(20), 0]


async def test_a_record_that_cannot_be_read_ends_the_wait_for_its_own_task_only(
    stem: Stem, broker: InMemoryBroker
) -> None:
    ids = [await stem.enqueue("plain") for _ in range(3)]
    await broker.results().put([KeptRecord(ids[1], "default", b'{"state":"no such"}', 60.0, 1)])
    waits = [asyncio.ensure_future(stem.wait_for(task_id, timeout=5)) for task_id in ids]
    with pytest.raises(StemError, match=f"task '{ids[1]}' cannot be read"):
        await waits[1]
    with pytest.raises(StemError, match="cannot be read"):
        await stem.status(ids[1])
    for number in (0, 2):
        await end(broker, ids[number], number)
    assert [(await waits[number]).result for number in (0, 2)] == [0, 2]


async def test_a_wait_that_runs_out_says_where_the_task_stands(stem: Stem) -> None:
    task_id = await stem.enqueue("plain")
    with pytest.raises(WaitTimeoutError, match="queued in queue 'default'"):
        await stem.wait_for(task_id, timeout=0.01)
    with pytest.raises(WaitTimeoutError, match="nothing is known"):
        await stem.wait_for("nobody", timeout=0.01)


async def test_status_tells_of_queued_and_unknown_tasks(stem: Stem) -> None:
    status = await stem.status(await stem.enqueue("plain", {"n": 1}))
    assert status is not None
    assert (status.state, status.args, status.attempt) == (TaskState.QUEUED, {"n": 1}, 0)
    assert await stem.status("nobody") is None


async def test_closing_stem_leaves_a_broker_that_was_handed_in(stem: Stem, broker: InMemoryBroker) -> None:
    async with stem:
        await stem.enqueue("plain")
    await stem.close()
    assert await broker.queues() == ["default"]
    await stem.enqueue("plain")


def test_a_backend_without_a_broker_is_refused() -> None:
    with pytest.raises(UsageError, match="without a broker"):
        Stem(backend=InMemoryBroker().results(), config=StemConfig())
