"""Middleware around jobs that travel with others: in chains, groups, links and callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stem_core import RESULT, Job, Stem
from stem_core.envelope import Envelope, FollowUp, unseal
from stem_core.errors import UsageError
from stem_core.middleware import Middleware
from stem_core.stores.memory import InMemoryBroker

Next = Callable[[Job], Awaitable[str]]
Around = Callable[[Job, Next], Awaitable[str]]


class Wrapping(Middleware):
    """Does what a function says around each job."""

    def __init__(self, around: Around) -> None:
        self.around = around

    async def on_enqueue(self, job: Job, call_next: Next) -> str:
        return await self.around(job, call_next)


def made(*around: Around) -> tuple[Stem, InMemoryBroker]:
    broker = InMemoryBroker()
    stem = Stem(broker=broker, middleware=[Wrapping(each) for each in around])

    @stem.task("step")
    async def step(n: object) -> object:
        return n

    return stem, broker


def step(n: object, **options: object) -> Job:
    return Job("step", {"n": n}, **options)  # type: ignore[arg-type]


async def waiting(broker: InMemoryBroker) -> list[Envelope]:
    return [unseal(place.body) for place in await broker.waiting("default", 10_000)]


def opened(follow_up: FollowUp | None) -> Envelope:
    assert follow_up is not None
    return unseal(bytes(follow_up.body))


async def marking(job: Job, call_next: Next) -> str:
    return await call_next(job.with_options(headers={"mark": str(job.args["n"])}))


async def test_each_job_of_a_chain_passes_inside_the_turn_of_the_one_before() -> None:
    notes: list[str] = []

    async def noting(job: Job, call_next: Next) -> str:
        notes.append(f"{job.args['n']} in")
        task_id = await call_next(job)
        notes.append(f"{job.args['n']} out {task_id}")
        return task_id

    stem, broker = made(noting, marking)
    ids = await stem.enqueue_chain([step(1), step(2), step(3)])
    assert notes == ["1 in", "2 in", "3 in", f"3 out {ids[2]}", f"2 out {ids[1]}", f"1 out {ids[0]}"]
    (first,) = await waiting(broker)
    second = opened(first.links[0])
    third = opened(second.links[0])
    assert [(each.id, each.headers) for each in (first, second, third)] == [
        (ids[0], {"mark": "1"}),
        (ids[1], {"mark": "2"}),
        (ids[2], {"mark": "3"}),
    ]


@pytest.mark.parametrize("many", [False, True])
async def test_links_pass_and_may_be_sent_elsewhere(many: bool) -> None:
    async def diverting(job: Job, call_next: Next) -> str:
        return await call_next(job.with_options(queue=f"for-{job.args['n']}"))

    stem, broker = made(diverting)
    job = step("a", link=[step("b"), step("c")], link_error=step("d"))
    await (stem.enqueue_many([job]) if many else stem.enqueue(job.name, job.args, **job.options))
    (place,) = await broker.waiting("for-a", 10)
    envelope = unseal(place.body)
    assert [link.queue for link in envelope.links] == ["for-b", "for-c"]
    assert [opened(link).queue for link in envelope.error_links] == ["for-d"]


async def test_members_pass_in_order_then_callback_and_on_error_once_each() -> None:
    notes: list[object] = []

    async def noting(job: Job, call_next: Next) -> str:
        notes.append(job.args["n"])
        return await call_next(job)

    stem, broker = made(noting, marking)
    group = await stem.enqueue_group(
        [step(1, link=step("linked")), step(2)], callback=step("all", link=step("after")), on_error=step("trouble")
    )
    assert notes == [1, "linked", 2, "all", "after", "trouble"]
    envelopes = await waiting(broker)
    assert [each.headers for each in envelopes] == [{"mark": "1"}, {"mark": "2"}]
    for each in envelopes:
        assert each.group is not None
        callback = opened(each.group.callback)
        assert (callback.id, callback.headers) == (group.callback, {"mark": "all"})
        assert opened(callback.links[0]).headers == {"mark": "after"}


async def test_what_middleware_adds_to_a_job_passes_too_but_not_for_ever() -> None:
    async def auditing(job: Job, call_next: Next) -> str:
        return await call_next(job if job.args["n"] == "audit" else job.with_options(link=step("audit")))

    stem, broker = made(auditing, marking)
    await stem.enqueue("step", {"n": 1})
    assert opened((await waiting(broker))[0].links[0]).headers == {"mark": "audit"}

    async def blindly(job: Job, call_next: Next) -> str:
        return await call_next(job.with_options(link=step("audit")))

    stem, broker = made(blindly)
    with pytest.raises(UsageError, match="more than 50"):
        await stem.enqueue("step", {"n": 1})
    assert await waiting(broker) == []


async def test_a_refusal_of_one_refuses_all() -> None:
    async def refusing(job: Job, call_next: Next) -> str:
        if job.args["n"] == "bad":
            raise PermissionError("not that one")
        return await call_next(job)

    stem, broker = made(refusing)
    for sending in (
        stem.enqueue_chain([step(1), step("bad")]),
        stem.enqueue_group([step(1), step("bad")]),
        stem.enqueue_group([step(1)], callback=step("bad")),
        stem.enqueue_group([step(1)], on_error=step("bad")),
        stem.enqueue("step", {"n": 1}, link_error=step("bad")),
    ):
        with pytest.raises(PermissionError, match="not that one"):
            await sending
    assert await broker.queues() == []


async def test_a_job_on_which_others_rely_is_sent_once_and_under_its_own_id() -> None:
    async def leaving_out(job: Job, call_next: Next) -> str:
        return "known" if job.args["n"] == "x" else await call_next(job)

    async def twice(job: Job, call_next: Next) -> str:
        if job.args["n"] == "x":
            await call_next(job)
        return await call_next(job)

    async def renaming(job: Job, call_next: Next) -> str:
        return await call_next(job.with_options(task_id="another"))

    for around, says in ((leaving_out, "does not send"), (twice, "twice"), (renaming, "task_id")):
        stem, broker = made(around)
        with pytest.raises(UsageError, match=says):
            await stem.enqueue_chain([step(1), step("x")])
        assert await broker.queues() == []
    stem, broker = made(renaming)
    with pytest.raises(UsageError, match="task_id"):
        await stem.enqueue_chain([step("x"), step(1)])
    assert await broker.queues() == []
    for around, says in ((leaving_out, "does not send"), (twice, "twice")):
        stem, broker = made(around)
        with pytest.raises(UsageError, match=says):
            await stem.enqueue_group([step(1), step("x")])
        assert await broker.queues() == []


async def test_a_chain_head_that_is_left_out_is_refused_too() -> None:
    async def answering(_job: Job, _call_next: Next) -> str:
        return "known"

    stem, _ = made(answering)
    with pytest.raises(UsageError, match="does not send"):
        await stem.enqueue_chain([step(1), step(2)])


async def test_the_longest_chain_passes_many_middlewares() -> None:
    stem, broker = made(*[marking] * 10)
    ids = await stem.enqueue_chain([step(0), *[step(RESULT) for _ in range(50)]])
    (envelope,) = await waiting(broker)
    for task_id in ids[1:]:
        envelope = opened(envelope.links[0])
        assert (envelope.id, envelope.headers) == (task_id, {"mark": "RESULT"})


async def test_what_is_no_job_is_named() -> None:
    for around in ((), (marking,)):
        stem, broker = made(*around)
        for call in (stem.enqueue_many, stem.enqueue_chain, stem.enqueue_group):
            with pytest.raises(UsageError, match="'step' is no Job"):
                await call(["step"])  # type: ignore[list-item]
        assert await broker.queues() == []


async def test_a_cancelled_enqueue_is_cancelled_however_deep_it_is() -> None:
    heard: list[object] = []

    async def hanging(job: Job, call_next: Next) -> str:
        try:
            if job.args["n"] == 20:
                await asyncio.sleep(30)
            return await call_next(job)
        except asyncio.CancelledError:
            heard.append(job.args["n"])
            raise

    stem, broker = made(hanging)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stem.enqueue_chain([step(number) for number in range(25)]), 0.05)
    assert heard == list(range(20, -1, -1))
    assert await waiting(broker) == []
