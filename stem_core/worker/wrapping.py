"""Running a handler inside the worker's middleware."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence

from stem_core.errors import HardTimeLimitExceeded
from stem_core.middleware import Middleware, around_execute
from stem_core.tasks import TaskContext, TaskHandler
from stem_core.worker.active import Job
from stem_core.worker.plan import Plan
from stem_core.worker.running import Abandoned, run_in_thread, run_inline
from stem_core.worker.threads import ThreadPool


class WrappedHandler(TaskHandler[object]):
    """A handler that runs on the event loop, with middleware around it.

    Args:
        handler: What is wrapped.
        middleware: What stands around it, outermost first.
    """

    def __init__(self, handler: TaskHandler[object], middleware: Sequence[Middleware]) -> None:
        self.name = handler.name
        self.options = handler.options
        self._handler = handler
        self._middleware = middleware

    async def call(self, context: TaskContext, args: dict[str, object]) -> object:
        """Run all of it."""
        return await around_execute(self._middleware, self._call)(context)

    async def _call(self, context: TaskContext) -> object:
        answer = self._handler.call(context, context.args)
        return await answer if inspect.isawaitable(answer) else answer


async def run_wrapped_inline(job: Job, plan: Plan, context: TaskContext, middleware: Sequence[Middleware]) -> object:
    """Do what `run_inline` does, with middleware inside the time limits."""
    return await run_inline(job, plan._replace(handler=WrappedHandler(plan.handler, middleware)), context)


async def run_wrapped_in_thread(
    job: Job, plan: Plan, context: TaskContext, pool: ThreadPool, middleware: Sequence[Middleware]
) -> object:
    """Do what `run_in_thread` does, with middleware on the event loop around it; time limits are the handler's alone.

    Middleware is told to stop like an `async def` handler, and sees `HardTimeLimitExceeded` where the thread is
    abandoned; it cannot keep that news from the worker.
    """
    abandoned: Abandoned | None = None

    async def run(context: TaskContext) -> object:
        nonlocal abandoned
        job.task = None  # a stop is the thread's to hear: cancelling the slot would leave it behind
        try:
            return await run_in_thread(job, plan, context, pool)
        except Abandoned as news:
            abandoned = news
            raise job.stop or HardTimeLimitExceeded("the task ran too long") from None
        finally:
            job.task = slot

    job.task = slot = asyncio.current_task()
    try:
        return await around_execute(middleware, run)(context)
    finally:
        job.task = None
        if abandoned is not None:
            raise abandoned
