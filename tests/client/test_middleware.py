"""Middleware around enqueues."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stem_core import Stem
from stem_core.client import Job
from stem_core.envelope import Envelope, unseal
from stem_core.errors import UnknownTaskError, UsageError
from stem_core.middleware import Middleware
from stem_core.stores.memory import InMemoryBroker

Next = Callable[[Job], Awaitable[str]]


class Wrapping(Middleware):
    """Does what a function says around each enqueue."""

    def __init__(self, around: Callable[[Job, Next], Awaitable[str]]) -> None:
        self.around = around

    async def on_enqueue(self, job: Job, call_next: Next) -> str:
        return await self.around(job, call_next)


def made(*around: Callable[[Job, Next], Awaitable[str]]) -> tuple[Stem, InMemoryBroker]:
    broker = InMemoryBroker()
    stem = Stem(broker=broker, middleware=[Wrapping(each) for each in around])

    @stem.task("add")
    async def add(a: int, b: int = 0) -> int:
        return a + b

    return stem, broker


async def waiting(broker: InMemoryBroker) -> list[Envelope]:
    return [unseal(place.body) for place in await broker.waiting("default", 10_000)]


async def test_the_first_middleware_is_the_outermost_and_hears_the_id() -> None:
    notes: list[str] = []

    async def outer(job: Job, call_next: Next) -> str:
        notes.append(f"outer {job.args}")
        notes.append(await call_next(job))
        return notes[-1]

    async def inner(job: Job, call_next: Next) -> str:
        notes.append("inner")
        return await call_next(job)

    stem, _ = made(outer, inner)
    task_id = await stem.enqueue("add", {"a": 1})
    assert notes == ["outer {'a': 1}", "inner", task_id]


async def test_middleware_may_change_what_is_sent() -> None:
    async def marking(job: Job, call_next: Next) -> str:
        return await call_next(job.with_options(headers={**(job.options.get("headers") or {}), "mark": "1"}))

    stem, broker = made(marking)
    await stem.enqueue("add", {"a": 1}, headers={"own": "2"})
    await stem.enqueue_many([("add", {"a": 2}), Job("add", {"a": 3})])
    await stem.enqueue_unchecked("elsewhere")
    assert [(each.name, each.headers) for each in await waiting(broker)] == [
        ("add", {"own": "2", "mark": "1"}),
        ("add", {"mark": "1"}),
        ("add", {"mark": "1"}),
        ("elsewhere", {"mark": "1"}),
    ]


async def test_middleware_may_refuse_or_answer_in_place_of_the_broker() -> None:
    async def guarding(job: Job, _call_next: Next) -> str:
        if job.args["a"] == 0:
            raise PermissionError("no zeros")
        return "known-already"

    stem, broker = made(guarding)
    assert await stem.enqueue("add", {"a": 1}) == "known-already"
    with pytest.raises(PermissionError, match="no zeros"):
        await stem.enqueue("add", {"a": 0})
    assert await waiting(broker) == []


async def test_many_are_all_checked_before_the_first_goes_through_middleware() -> None:
    passed: list[Job] = []

    async def noting(job: Job, call_next: Next) -> str:
        passed.append(job)
        return await call_next(job)

    stem, broker = made(noting)
    with pytest.raises(UnknownTaskError):
        await stem.enqueue_many([("add", {"a": 1}), ("ad", {})])
    assert (passed, await waiting(broker)) == ([], [])


async def test_many_keep_their_order_and_share_their_round_trips() -> None:
    async def passing(job: Job, call_next: Next) -> str:
        return await call_next(job)

    stem, broker = made(passing)
    published: list[int] = []
    publish = broker.publish

    async def counted(batch: list[object]) -> None:
        published.append(len(batch))
        await publish(batch)  # type: ignore[arg-type]

    broker.publish = counted  # type: ignore[method-assign,assignment]
    ids = await stem.enqueue_many([("add", {"a": number}) for number in range(1200)])
    by_id = {each.id: each.args["a"] for each in await waiting(broker)}
    assert [by_id[task_id] for task_id in ids] == list(range(1200))
    assert len(published) <= 6


async def test_many_raise_what_the_first_refused_one_raised() -> None:
    async def refusing(job: Job, call_next: Next) -> str:
        if job.args["a"] in (1, 2):
            raise UsageError(f"refused {job.args['a']}")
        return await call_next(job)

    stem, broker = made(refusing)
    with pytest.raises(UsageError, match="refused 1"):
        await stem.enqueue_many([("add", {"a": number}) for number in range(4)])
    assert [each.args["a"] for each in await waiting(broker)] == [0, 3]


async def test_a_cancelled_enqueue_is_cancelled_inside_middleware() -> None:
    heard: list[type[BaseException]] = []

    async def hanging(job: Job, call_next: Next) -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError as error:
            heard.append(type(error))
            raise
        return await call_next(job)

    stem, broker = made(hanging)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stem.enqueue("add", {"a": 1}), 0.01)
    assert heard == [asyncio.CancelledError]
    assert await waiting(broker) == []
