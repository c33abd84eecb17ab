"""Running one handler, on the event loop or in a thread, within its time limits."""

from __future__ import annotations

import asyncio
import inspect
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, cast

from stem_core.errors import HardTimeLimitExceeded, SoftTimeLimitExceeded
from stem_core.tasks import TaskContext, TaskHandler
from stem_core.worker.active import Job
from stem_core.worker.plan import Plan
from stem_core.worker.threads import ThreadPool

_INSIST: Final = 1.0


class Abandoned(Exception):  # noqa: N818 - a piece of news, not a fault
    """A thread outlived its hard time limit. Its outcome is void; `thread` ends when it does."""

    def __init__(self, thread: asyncio.Future[object]) -> None:
        super().__init__()
        self.thread = thread


async def run_inline(job: Job, plan: Plan, context: TaskContext) -> object:
    """Run a handler in this very task; whatever it raises comes out.

    The soft limit raises `SoftTimeLimitExceeded` at the handler's next await, the hard one cancels it there, again
    each second until it ends.
    """
    job.task = asyncio.current_task()
    timers = _inline_limits(job, plan) if plan.soft is not None or plan.hard is not None else None
    try:
        answer = plan.handler.call(context, context.args)
        if inspect.iscoroutine(answer):
            return await (answer if timers is None or plan.soft is None else _softened(answer, job))
        return await answer if inspect.isawaitable(answer) else answer
    finally:
        job.task = None
        if timers is not None:
            timers.cancel()


async def run_in_thread(job: Job, plan: Plan, context: TaskContext, pool: ThreadPool) -> object:
    """Run a handler in a thread; whatever it raises comes out.

    It hears of its soft limit, and of anything else it is told, at its next checkpoint. A thread cannot be cut: at
    the hard limit `Abandoned` is raised while it still runs. What it may answer with to be awaited runs inline, within
    what is left of its limits.
    """
    thread = pool.submit(lambda: plan.handler.call(context, context.args))
    loop = asyncio.get_running_loop()
    began = loop.time()
    soft = None if plan.soft is None else loop.call_later(plan.soft, _soften, job, plan)
    try:
        done, _ = await asyncio.wait([thread], timeout=plan.hard)
    finally:
        if soft is not None:
            soft.cancel()
    if not done:
        job.tell(hard_limit(plan))
        raise Abandoned(thread)
    result, failure = cast("tuple[object, BaseException | None]", thread.result())
    if failure is not None:
        raise failure
    if not inspect.isawaitable(result):
        return result
    return await run_inline(job, left_to_await(plan, result, loop.time() - began), context)


class _Answered(TaskHandler[object]):
    """What is left of a `def` handler that has answered with something to be awaited."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def call(self, context: TaskContext, args: dict[str, object]) -> object:
        """Return it, unless the task was told to stop meanwhile."""
        context.checkpoint()
        return self._answer


def left_to_await(plan: Plan, answer: object, passed: float) -> Plan:
    """Return how to await what a `def` handler has answered with, as one that wraps a coroutine function does.

    Args:
        plan: How the handler was run.
        answer: Its answer.
        passed: Seconds that it took, which are taken off its time limits.
    """
    soft, hard = (None if limit is None else max(limit - passed, 0.0) for limit in (plan.soft, plan.hard))
    return plan._replace(handler=_Answered(answer), soft=soft, hard=hard)


class _Timers:
    """The limits of one run on the event loop."""

    def __init__(self) -> None:
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, delay: float, call: Callable[[], None]) -> None:
        self._handles[name] = asyncio.get_running_loop().call_later(delay, call)

    def cancel(self) -> None:
        for handle in self._handles.values():
            handle.cancel()


def _inline_limits(job: Job, plan: Plan) -> _Timers:
    timers = _Timers()

    def end() -> None:
        job.tell(hard_limit(plan))
        timers.start("hard", _INSIST, end)

    if plan.soft is not None:
        timers.start("soft", plan.soft, lambda: _soften(job, plan))
    if plan.hard is not None:
        timers.start("hard", plan.hard, end)
    return timers


def _soften(job: Job, plan: Plan) -> None:
    if job.stop is None:
        job.tell(soft_limit(plan))


def soft_limit(plan: Plan) -> SoftTimeLimitExceeded:
    """Return what a task hears that reached its soft time limit."""
    return SoftTimeLimitExceeded(f"the task ran longer than its soft time limit of {plan.soft:g} s")


def hard_limit(plan: Plan) -> HardTimeLimitExceeded:
    """Return what a task ends with that reached its hard time limit."""
    return HardTimeLimitExceeded(f"the task ran longer than its hard time limit of {plan.hard:g} s")


@types.coroutine
def _softened(coroutine: Coroutine[Any, Any, object], job: Job) -> Generator[Any, Any, object]:
    """Drive a coroutine, turning the cancellation that stands for a soft limit into its exception."""
    send: Callable[[], Any] = lambda: coroutine.send(None)  # noqa: E731 - replaced in each round
    while True:
        try:
            awaited = send()
        except StopIteration as end:
            return end.value
        try:
            value = yield awaited
        except asyncio.CancelledError as error:
            send = _thrown(coroutine, _translated(error, job))
        except BaseException as error:  # noqa: BLE001 - handed on to the coroutine as it is
            send = _thrown(coroutine, error)
        else:
            send = _sent(coroutine, value)


def _thrown(coroutine: Coroutine[Any, Any, object], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)


def _sent(coroutine: Coroutine[Any, Any, object], value: object) -> Callable[[], Any]:
    return lambda: coroutine.send(value)


def _translated(error: BaseException, job: Job) -> BaseException:
    stop = job.stop
    if not isinstance(stop, SoftTimeLimitExceeded):
        return error
    job.stop = None
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    return stop
