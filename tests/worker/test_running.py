"""What a worker makes of a job."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from stem_core.errors import SoftTimeLimitExceeded, StemError
from stem_core.events import TaskFailed, TaskPostrun, TaskPrerun, TaskReceived, TaskRetry, TaskSucceeded
from stem_core.results import status_of_record
from stem_core.retry import TaskRetryPolicy
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryResultBackend
from stem_core.tasks import TaskContext
from tests.worker.cluster import Cluster, until

BUSY = 2.0
"""Seconds that a busy machine may add."""

QUICK = TaskRetryPolicy(default_delay=0.02, jitter=False)


async def test_an_async_task_runs_and_its_result_is_kept(cluster: Cluster) -> None:
    async def add(a: int, b: int) -> int:
        return a + b

    cluster.task("add", add)
    await cluster.worker()
    status = await cluster.ended(await cluster.send("add", {"a": 2, "b": 3}))
    assert (status.state, status.result, status.worker) == (TaskState.SUCCEEDED, 5, "w1")
    assert status.args == {"a": 2, "b": 3}


async def test_a_blocking_task_runs_in_a_thread_beside_the_loop(memory: Cluster) -> None:
    together = threading.Barrier(4)

    def block(context: TaskContext) -> str:
        together.wait(10)
        return context.worker

    memory.task("block", block)
    await memory.worker(concurrency=4)
    ids = [await memory.send("block") for _ in range(4)]
    assert {(await memory.ended(each)).result for each in ids} == {"w1"}


async def test_a_failing_task_is_retried_and_then_dead(cluster: Cluster) -> None:
    attempts: list[int] = []

    async def fail(context: TaskContext) -> None:
        attempts.append(context.attempt)
        raise ValueError("broken")

    cluster.task("fail", fail, max_retries=2, retry_policy=QUICK)
    worker = await cluster.worker()
    status = await cluster.ended(await cluster.send("fail"))
    assert attempts == [0, 1, 2]
    assert (status.state, status.reason, status.attempt) == (TaskState.FAILED, "max-retries-exhausted", 2)
    assert status.error is not None
    assert (status.error.type, status.error.message) == ("ValueError", "broken")
    assert "stem_core/worker" not in status.error.traceback
    letters, _ = await cluster.broker.dead("default", 10)
    assert [letter.reason for letter in letters] == ["max-retries-exhausted"]
    await until(lambda: worker.snapshot().failed == 1)
    assert worker.snapshot().retried == 2


async def test_an_error_the_policy_denies_is_not_retried(memory: Cluster) -> None:
    async def fail() -> None:
        raise KeyError("no")

    policy = TaskRetryPolicy(dont_auto_retry_for=("LookupError",))
    memory.task("fail", fail, max_retries=5, retry_policy=policy)
    await memory.worker()
    assert (await memory.ended(await memory.send("fail"))).reason == "not-retryable"


async def test_a_task_may_ask_for_its_own_retry_until_none_is_left(memory: Cluster) -> None:
    async def later(context: TaskContext) -> str:
        if context.attempt == 0:
            context.retry(0.01, "not yet")
        return "now"

    memory.task("later", later, max_retries=1)
    await memory.worker()
    assert (await memory.ended(await memory.send("later"))).result == "now"
    assert (await memory.ended(await memory.send("later", max_retries=0))).reason == "max-retries-exhausted"


class UnprintableError(Exception):
    """An exception that ends whoever prints it."""

    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


def in_a_long_chain() -> BaseException:
    """Return an exception that was raised while another one was handled, and so on."""
    error: BaseException = ValueError("first")
    for _ in range(5000):
        following = RuntimeError("deep")
        following.__cause__ = error
        error = following
    return error


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), RecursionError("deep"), GeneratorExit(),
        UnprintableError(), in_a_long_chain(), ExceptionGroup("some", [ExceptionGroup("in", [KeyError()])]),
        BaseExceptionGroup("some", [KeyboardInterrupt()]),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
@pytest.mark.parametrize("kind", ["inline", "thread"])
async def test_whatever_a_task_raises_the_worker_lives(memory: Cluster, error: BaseException, kind: str) -> None:
    async def inline() -> None:
        raise error

    def thread() -> None:
        raise error

    async def fine() -> int:
        return 1

    memory.task("bad", inline if kind == "inline" else thread)
    memory.task("fine", fine)
    await memory.worker(concurrency=1)
    bad = await memory.ended(await memory.send("bad"))
    assert bad.state is TaskState.FAILED
    assert bad.error is not None
    assert bad.error.type.endswith(type(error).__name__)
    assert (await memory.ended(await memory.send("fine"))).result == 1


async def test_a_task_that_cancels_itself_fails_alone(memory: Cluster) -> None:
    async def cancel_self() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    async def fine() -> int:
        return 1

    memory.task("bad", cancel_self)
    memory.task("fine", fine)
    await memory.worker(concurrency=1)
    assert (await memory.ended(await memory.send("bad"))).state is TaskState.FAILED
    assert (await memory.ended(await memory.send("fine"))).result == 1


@pytest.mark.parametrize("result", [{1, object()}, "\ud800", float], ids=["object", "surrogate", "class"])
async def test_a_result_that_is_not_json_is_a_failure(memory: Cluster, result: Any) -> None:
    async def odd() -> Any:
        return result

    memory.task("odd", odd)
    await memory.worker()
    status = await memory.ended(await memory.send("odd"))
    assert (status.state, status.reason) == (TaskState.FAILED, "result-not-serialisable")


async def test_an_exception_that_cannot_be_shown_is_still_a_failure(memory: Cluster) -> None:
    class MeanError(Exception):
        def __str__(self) -> str:
            raise StemError("never")

    async def fail() -> None:
        raise MeanError

    async def surrogate() -> None:
        raise ValueError("\ud800")

    memory.task("mean", fail)
    memory.task("surrogate", surrogate)
    await memory.worker()
    assert (await memory.ended(await memory.send("mean"))).state is TaskState.FAILED
    assert (await memory.ended(await memory.send("surrogate"))).state is TaskState.FAILED


async def test_arguments_that_do_not_bind_are_dead_at_once(cluster: Cluster) -> None:
    async def add(a: int) -> int:
        return a

    cluster.task("add", add, max_retries=3)
    await cluster.worker()
    status = await cluster.ended(await cluster.send("add", {"b": 1}))
    assert status.reason == "invalid-arguments"
    assert status.error is not None
    assert "'a'" in status.error.message


async def test_a_task_nobody_knows_goes_back_three_times_and_is_dead(cluster: Cluster) -> None:
    await cluster.worker()
    status = await cluster.ended(await cluster.send("who.knows"))
    assert (status.state, status.reason) == (TaskState.FAILED, "unregistered-task")


async def test_a_task_one_worker_does_not_know_runs_in_another(cluster: Cluster) -> None:
    async def fine() -> int:
        return 1

    cluster.task("fine", fine)
    await cluster.worker()
    assert (await cluster.ended(await cluster.send("fine"))).worker == "w1"


async def test_an_expired_task_is_cancelled(cluster: Cluster) -> None:
    async def never() -> None: ...

    cluster.task("never", never)
    task_id = await cluster.send("never", expires_at=await cluster.broker.time() - 1)
    await cluster.worker()
    status = await cluster.ended(task_id)
    assert (status.state, status.reason) == (TaskState.CANCELLED, "expired")


async def test_ignored_results_are_not_kept_but_the_state_is(memory: Cluster) -> None:
    async def loud() -> str:
        return "secret"

    memory.task("loud", loud, ignore_result=True)
    await memory.worker()
    status = await memory.ended(await memory.send("loud"))
    assert (status.state, status.result) == (TaskState.SUCCEEDED, None)


async def test_soft_limits_raise_inside_and_hard_limits_end(memory: Cluster) -> None:
    cleaned: list[str] = []

    async def soft() -> str:
        try:
            await asyncio.sleep(30)
        except SoftTimeLimitExceeded:
            await asyncio.sleep(0)
            cleaned.append("inline")
        return "partial"

    def soft_thread(context: TaskContext) -> None:
        while True:
            time.sleep(0.005)
            context.checkpoint()

    async def hard() -> None:
        await asyncio.sleep(30)

    memory.task("soft", soft, soft_time_limit=0.03)
    memory.task("soft_thread", soft_thread, soft_time_limit=0.03)
    memory.task("hard", hard, hard_time_limit=0.03)
    await memory.worker(concurrency=3)
    ids = [await memory.send(name) for name in ("soft", "soft_thread", "hard")]
    inline, thread, ended = [await memory.ended(each) for each in ids]
    assert (inline.result, cleaned) == ("partial", ["inline"])
    assert thread.error is not None
    assert "SoftTimeLimitExceeded" in thread.error.type
    assert ended.error is not None
    assert "HardTimeLimitExceeded" in ended.error.type


async def test_a_thread_past_its_hard_limit_is_settled_but_keeps_its_slot(memory: Cluster) -> None:
    free = threading.Event()

    def stuck() -> None:
        free.wait(10)

    async def fine() -> int:
        return 1

    memory.task("stuck", stuck, hard_time_limit=0.03)
    memory.task("fine", fine)
    worker = await memory.worker(concurrency=1)
    stuck_id = await memory.send("stuck")
    assert (await memory.ended(stuck_id)).state is TaskState.FAILED
    waiting = await memory.send("fine")
    await until(lambda: worker.snapshot().held == 1)
    assert worker.snapshot().succeeded == 0
    free.set()
    assert (await memory.ended(waiting)).result == 1


async def test_each_step_is_an_event_and_frames_are_numbered_without_a_gap(cluster: Cluster) -> None:
    async def flaky(context: TaskContext) -> None:
        if context.attempt == 0:
            raise ValueError("once")

    async def fail() -> None:
        raise ValueError("always")

    cluster.task("flaky", flaky, max_retries=1, retry_policy=QUICK)
    cluster.task("fail", fail)
    worker = await cluster.worker()
    flaky_id = await cluster.send("flaky")
    await cluster.ended(flaky_id)
    await cluster.ended(await cluster.send("fail"))
    await worker.shutdown()
    events = await cluster.events(TaskReceived, TaskPrerun, TaskPostrun, TaskRetry, TaskSucceeded, TaskFailed)
    mine = [type(event) for event in events if getattr(event, "id", "") == flaky_id]
    run = [TaskReceived, TaskPrerun, TaskPostrun]
    assert mine == [*run, TaskRetry, *run, TaskSucceeded]
    assert [event.reason for event in events if isinstance(event, TaskFailed)] == ["max-retries-exhausted"]
    expected = 0
    for frame in await cluster.frames():
        assert (frame.seq, frame.source, frame.boot) == (expected, "w1", worker.boot)
        expected += len(frame.events)


async def test_delayed_jobs_run_when_they_are_due(cluster: Cluster) -> None:
    ran: list[float] = []

    async def mark() -> None:
        ran.append(time.time())

    cluster.task("mark", mark)
    await cluster.worker()
    due = time.time() + 0.3
    await cluster.ended(await cluster.send("mark", delay=0.3))
    assert -0.01 <= ran[0] - due < 0.5 + BUSY


async def test_results_go_to_a_backend_of_their_own_before_the_ack(memory: Cluster) -> None:
    async def add(a: int) -> int:
        return a + 1

    memory.task("add", add)
    backend = InMemoryResultBackend()
    await memory.worker(backend=backend)
    task_id = await memory.send("add", {"a": 1})

    async def kept() -> bytes | None:
        return (await backend.get([task_id]))[0]

    assert status_of_record(await until(kept)).result == 2


async def test_a_task_enqueues_further_tasks_through_its_context(memory: Cluster) -> None:
    got: list[dict[str, object]] = []

    async def child(context: TaskContext) -> None:
        got.append(context.meta)

    async def parent(context: TaskContext) -> str:
        return await context.enqueue("child")

    memory.task("child", child)
    memory.task("parent", parent)
    await memory.worker()
    parent_id = await memory.send("parent")
    await memory.ended(str((await memory.ended(parent_id)).result))
    assert got[0]["stem.parentTaskId"] == parent_id
