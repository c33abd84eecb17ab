"""The worker for users' own tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from stem_core import (
    RESULT,
    InMemoryBroker,
    Job,
    Middleware,
    Stem,
    StemSignals,
    TaskContext,
    TaskRetryPolicy,
    TaskState,
)
from stem_core.events import TaskSucceeded
from stem_core.signals import SignalContext
from stem_core.testing import InlineWorker


@pytest.fixture
def stem() -> Stem:
    stem = Stem.from_url("redis://127.0.0.1:1")

    @stem.task("add")
    async def add(a: int, b: int = 0) -> int:
        return a + b

    @stem.task("where", execution="process")
    def where() -> bool:
        return threading.current_thread() is threading.main_thread()

    @stem.task("fail", max_retries=0)
    def fail() -> None:
        raise LookupError("nothing there")

    @stem.task("second", max_retries=1, retry_policy=TaskRetryPolicy(default_delay=60, jitter=False))
    def second(context: TaskContext) -> int:
        if context.attempt == 0:
            raise LookupError("not at first")
        return context.attempt

    @stem.task("parent")
    async def parent(context: TaskContext) -> str:
        return await context.enqueue("add", {"a": 1})

    return stem


async def test_what_was_enqueued_runs_when_the_test_says_so(stem: Stem) -> None:
    async with InlineWorker(stem) as worker:
        task_id = await stem.enqueue("add", {"a": 1, "b": 2})
        assert worker.runs == []
        (run,) = await worker.drain()
        assert (run.id, run.name, run.args, run.result, run.state) == (
            task_id, "add", {"a": 1, "b": 2}, 3, TaskState.SUCCEEDED,
        )  # fmt: skip
        status = await stem.status(task_id)
        assert status is not None
        assert status.result == 3
        assert await worker.drain() == []


async def test_every_kind_of_task_runs_in_the_tests_own_thread(stem: Stem) -> None:
    async with InlineWorker(stem) as worker:
        await stem.enqueue("where")
        assert [run.result for run in await worker.drain()] == [True]


async def test_immediately_a_task_has_run_when_its_enqueue_returns(stem: Stem) -> None:
    async with InlineWorker(stem, immediately=True) as worker:
        await stem.enqueue("add", {"a": 1})
        assert [run.name for run in worker.runs] == ["add"]
        await stem.enqueue("parent")
        assert [run.name for run in worker.runs] == ["add", "parent", "add"]


async def test_immediately_a_chain_and_a_group_have_run_too(stem: Stem) -> None:
    add = Job("add", {"a": 1})
    async with InlineWorker(stem, immediately=True) as worker:
        chain = await stem.enqueue_chain([add, Job("add", {"a": RESULT})])
        assert [run.result for run in worker.runs] == [1, 1]
        group = await stem.enqueue_group([add, add], callback=Job("add", {"a": 2}))
        assert [run.id for run in worker.runs] == [*chain, *group.members, group.callback]
    assert "_send_all" not in vars(stem)


async def test_blocking_calls_of_tasks_reach_the_same_broker_and_none_later(stem: Stem) -> None:
    @stem.task("blocks")
    def blocks(context: TaskContext) -> list[str]:
        return context.enqueue_many_sync([Job("add", {"a": 1})])

    for _ in range(2):
        async with InlineWorker(stem) as worker:
            await stem.enqueue("blocks")
            assert [run.name for run in await worker.drain()] == ["blocks", "add"]


async def test_a_failure_is_raised_as_it_is_and_leaves_a_dead_letter(stem: Stem) -> None:
    async with InlineWorker(stem, immediately=True) as worker:
        with pytest.raises(LookupError, match="nothing there"):
            await stem.enqueue("fail")
        letters, _ = await worker.broker.dead("default", 10)
        assert [letter.reason for letter in letters] == ["max-retries-exhausted"]


async def test_failures_are_only_noted_if_the_test_wants_so(stem: Stem) -> None:
    async with InlineWorker(stem, raises=False) as worker:
        await stem.enqueue("fail")
        await stem.enqueue("add", {"a": 1})
        failed, added = await worker.drain()
        assert (failed.state, failed.reason, type(failed.failure)) == (
            TaskState.FAILED, "max-retries-exhausted", LookupError,
        )  # fmt: skip
        assert added.result == 1


async def test_a_retry_waits_for_its_time_which_the_test_lets_pass(stem: Stem) -> None:
    async with InlineWorker(stem) as worker:
        await stem.enqueue("second")
        assert [run.state for run in await worker.drain()] == [TaskState.RETRIED]
        await worker.clock.advance(59)
        assert await worker.drain() == []
        await worker.clock.advance(1)
        assert [(run.attempt, run.result) for run in await worker.drain()] == [(1, 1)]


async def test_draining_through_delays_lets_exactly_their_time_pass(stem: Stem) -> None:
    async with InlineWorker(stem) as worker:
        await stem.enqueue("second")
        await stem.enqueue("add", {"a": 1}, countdown=3600)
        await stem.enqueue("add", {"a": 2}, eta=datetime.fromtimestamp(worker.clock.time() + 30, UTC))
        runs = await worker.drain(through_delays=True)
        assert [(run.name, run.result) for run in runs] == [("second", None), ("add", 2), ("second", 1), ("add", 1)]
        assert worker.clock.monotonic() == pytest.approx(3600, abs=0.01)


async def test_middleware_and_signals_are_the_real_ones(stem: Stem) -> None:
    heard: list[object] = []

    class Doubling(Middleware):
        async def on_execute(
            self, context: TaskContext, call_next: Callable[[TaskContext], Awaitable[object]]
        ) -> object:
            return [await call_next(context)] * 2

    def listen(_event: TaskSucceeded, context: SignalContext) -> None:
        heard.append(context.result)

    stem.middleware.append(Doubling())
    with StemSignals.on_task_succeeded(listen):
        async with InlineWorker(stem) as worker:
            await stem.enqueue("add", {"a": 4})
            await worker.drain()
    assert heard == [[4, 4]]


async def test_the_stem_gets_its_own_broker_and_middleware_back(stem: Stem) -> None:
    before = list(stem.middleware)
    with pytest.raises(RuntimeError, match="the test failed"):
        async with InlineWorker(stem, immediately=True):
            raise RuntimeError("the test failed")
    assert stem.middleware == before
    assert stem._broker is None


async def test_a_drain_that_takes_too_long_can_be_cancelled(stem: Stem) -> None:
    @stem.task("hang")
    async def hang() -> None:
        await asyncio.sleep(30)

    async with InlineWorker(stem) as worker:
        await stem.enqueue("hang")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker.drain(), 0.05)


async def test_what_follows_a_task_runs_too() -> None:
    stem = Stem(broker=InMemoryBroker())

    @stem.task("double")
    async def double(x: int) -> int:
        return 2 * x

    @stem.task("total")
    async def total(numbers: list[int]) -> int:
        return sum(numbers)

    async with InlineWorker(stem) as worker:
        ids = await stem.enqueue_chain([Job("double", {"x": 3}), Job("double", {"x": RESULT})])
        members = [Job("double", {"x": x}) for x in range(5)]
        group = await stem.enqueue_group(members, callback=Job("total", {"numbers": RESULT}))
        runs = {run.id: run.result for run in await worker.drain()}
    assert runs[ids[1]] == 12
    assert group.callback is not None
    assert runs[group.callback] == 20


@pytest.mark.parametrize("immediately", [False, True])
async def test_a_view_without_an_event_loop_enqueues_here_too(stem: Stem, immediately: bool) -> None:
    def view() -> str:
        return stem.enqueue_sync("add", {"a": 1, "b": 2})

    async with InlineWorker(stem, immediately=immediately) as worker:
        ids = [view(), await asyncio.to_thread(view)]
        await worker.drain()
        assert [(run.id, run.result) for run in worker.runs] == [(each, 3) for each in ids]
