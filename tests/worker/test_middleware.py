"""Middleware around runs: its order, and that it changes outcomes but breaks nothing."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import pytest

from stem_core.client import Stem
from stem_core.commands import Revoke
from stem_core.delivery import Revocation
from stem_core.errors import HardTimeLimitExceeded, SoftTimeLimitExceeded, TaskCancelled
from stem_core.middleware import Middleware
from stem_core.retry import TaskRetryPolicy
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.tasks import TaskContext
from tests.worker import wrapped_app
from tests.worker.cluster import Cluster, until

QUICK = TaskRetryPolicy(default_delay=0.02, jitter=False)
Next = Callable[[TaskContext], Awaitable[object]]


class Noting(Middleware):
    """Notes when it is entered and how it is left."""

    def __init__(self, notes: list[object], name: str = "m") -> None:
        self.notes = notes
        self.name = name

    async def on_execute(self, context: TaskContext, call_next: Next) -> object:
        self.notes.append(f"{self.name} in")
        try:
            result = await call_next(context)
        except BaseException as error:
            self.notes.append(type(error))
            raise
        self.notes.append(f"{self.name} out")
        return result


class Answering(Middleware):
    """Does what a function says instead of running the task."""

    def __init__(self, answer: Callable[[TaskContext, Next], Awaitable[object]]) -> None:
        self.answer = answer

    async def on_execute(self, context: TaskContext, call_next: Next) -> object:
        return await self.answer(context, call_next)


async def test_the_first_middleware_is_the_outermost(memory: Cluster) -> None:
    notes: list[object] = []

    async def task() -> None:
        notes.append("task")

    memory.task("t", task)
    await memory.worker(middleware=[Noting(notes, "a"), Noting(notes, "b")])
    await memory.ended(await memory.send("t"))
    assert notes == ["a in", "b in", "task", "b out", "a out"]


async def test_a_worker_takes_the_middleware_of_the_stem_that_it_enqueues_with(memory: Cluster) -> None:
    notes: list[object] = []

    async def task() -> None:
        return None

    memory.task("t", task)
    stem = Stem(broker=memory.broker, registry=memory.registry, middleware=[Noting(notes)])
    await memory.worker(enqueuer=stem)
    await memory.ended(await stem.enqueue("t"))
    assert notes == ["m in", "m out"]


async def test_middleware_may_change_the_result_of_a_thread_and_its_variables_reach_it(memory: Cluster) -> None:
    variable: ContextVar[str] = ContextVar("variable")

    def task() -> list[object]:
        return [variable.get(), threading.current_thread() is threading.main_thread()]

    async def around(context: TaskContext, call_next: Next) -> object:
        variable.set("set outside")
        return {"wrapped": await call_next(context)}

    memory.task("t", task)
    await memory.worker(middleware=[Answering(around)])
    assert (await memory.ended(await memory.send("t"))).result == {"wrapped": ["set outside", False]}


async def test_middleware_may_answer_in_place_of_the_task(memory: Cluster) -> None:
    async def task() -> None:
        raise AssertionError("it must not run")

    async def instead(_context: TaskContext, _call_next: Next) -> object:
        return "cached"

    memory.task("t", task)
    await memory.worker(middleware=[Answering(instead)])
    status = await memory.ended(await memory.send("t"))
    assert (status.state, status.result) == (TaskState.SUCCEEDED, "cached")


async def test_what_middleware_raises_is_a_failure_of_the_task_and_is_retried(memory: Cluster) -> None:
    runs: list[int] = []

    async def task() -> str:
        return "done"

    async def failing_once(context: TaskContext, call_next: Next) -> object:
        runs.append(context.attempt)
        if context.attempt == 0:
            raise LookupError("not yet")
        return await call_next(context)

    memory.task("t", task, max_retries=1, retry_policy=QUICK)
    await memory.worker(middleware=[Answering(failing_once)])
    status = await memory.ended(await memory.send("t"))
    assert (status.result, runs) == ("done", [0, 1])


async def test_a_retry_that_a_task_asks_for_goes_through_middleware(memory: Cluster) -> None:
    notes: list[object] = []

    async def task(context: TaskContext) -> str:
        if context.attempt == 0:
            context.retry(delay=0.01)
        return "done"

    memory.task("t", task, max_retries=1)
    await memory.worker(middleware=[Noting(notes)])
    assert (await memory.ended(await memory.send("t"))).result == "done"
    assert [each.__name__ if isinstance(each, type) else each for each in notes] == [
        "m in", "RetryRequested", "m in", "m out",
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [{"soft_time_limit": 0.05}, {"hard_time_limit": 0.05}])
async def test_time_limits_reach_an_inline_task_inside_middleware(memory: Cluster, limit: dict[str, float]) -> None:
    notes: list[object] = []

    async def task() -> None:
        await asyncio.sleep(30)

    memory.task("t", task, max_retries=0, **limit)
    await memory.worker(middleware=[Noting(notes)])
    status = await memory.ended(await memory.send("t"))
    assert status.error is not None
    expected = SoftTimeLimitExceeded if "soft_time_limit" in limit else HardTimeLimitExceeded
    assert status.error.type.endswith(expected.__name__)
    assert notes == ["m in", SoftTimeLimitExceeded if "soft_time_limit" in limit else asyncio.CancelledError]


async def test_middleware_cannot_hide_that_a_thread_outlives_its_hard_limit(memory: Cluster) -> None:
    go, heard = threading.Event(), []

    def task() -> None:
        go.wait(30)

    async def swallowing(context: TaskContext, call_next: Next) -> object:
        try:
            return await call_next(context)
        except Exception as error:  # noqa: BLE001 - that it catches too much is what is tested
            heard.append(type(error))
            return "all is well"

    memory.task("t", task, max_retries=0, hard_time_limit=0.05)
    worker = await memory.worker(middleware=[Answering(swallowing)], concurrency=1)
    try:
        status = await memory.ended(await memory.send("t"))
        assert status.error is not None
        assert (status.state, status.error.type) == (TaskState.FAILED, "stem_core.errors.HardTimeLimitExceeded")
        assert heard == [HardTimeLimitExceeded]
        assert worker.snapshot().concurrency == 1
    finally:
        go.set()


@pytest.mark.parametrize("kind", ["inline", "thread", "middleware of a thread"])
async def test_a_terminated_task_is_cancelled_wherever_it_is(memory: Cluster, kind: str) -> None:
    notes: list[object] = []
    running = threading.Event()

    async def waiting() -> None:
        running.set()
        await asyncio.sleep(30)

    def polling(context: TaskContext) -> None:
        running.set()
        while True:
            context.checkpoint()
            threading.Event().wait(0.01)

    async def hanging(_context: TaskContext, _call_next: Next) -> object:
        running.set()
        await asyncio.sleep(30)
        return None

    memory.task("t", waiting if kind == "inline" else polling)
    inner = [Answering(hanging)] if kind == "middleware of a thread" else []
    await memory.worker(middleware=[Noting(notes), *inner])
    task_id = await memory.send("t")
    await until(running.is_set, "the run")
    revocation = Revocation(id=task_id, until=2e10, reason="enough", terminate=True)
    await memory.command(Revoke(revocations=(revocation,)))
    assert (await memory.ended(task_id)).state is TaskState.CANCELLED
    assert notes[0] == "m in"
    assert issubclass(notes[1], asyncio.CancelledError | TaskCancelled)  # type: ignore[arg-type]


async def test_what_a_task_enqueues_goes_through_the_workers_middleware(memory: Cluster) -> None:
    sent: list[str] = []

    class Watching(Middleware):
        async def on_enqueue(self, job: object, call_next: Callable[..., Awaitable[str]]) -> str:
            sent.append(await call_next(job))
            return sent[-1]

    async def parent(context: TaskContext) -> str:
        return await context.enqueue("child")

    async def child() -> None:
        return None

    memory.task("parent", parent)
    memory.task("child", child)
    await memory.worker(middleware=[Watching()])
    status = await memory.ended(await memory.send("parent"))
    assert sent == [status.result]


@pytest.mark.process
async def test_middleware_runs_in_the_child_process_around_its_handlers(namespace: str) -> None:
    children = Cluster(InMemoryBroker(namespace, lease=1.0))
    children.registry = wrapped_app.stem.registry
    try:
        await children.worker(app=wrapped_app.APP, concurrency=1, middleware=wrapped_app.stem.middleware)
        blocking = (await children.ended(await children.send("blocking"))).result
        awaiting = (await children.ended(await children.send("awaiting"))).result
        assert isinstance(blocking, list)
        assert isinstance(awaiting, list)
        assert blocking[1] == ["blocking", True, "a loop of its own"]
        assert awaiting == [blocking[0], "awaiting"]
        assert blocking[0] != os.getpid()
        assert (await children.ended(await children.send("raising"))).result == "caught it"
        assert (await children.ended(await children.send("softly"))).result == [blocking[0], "told"]
    finally:
        await children.close()
