"""Wrapping what producers send and what workers run.

A signal tells of what happened and changes nothing; middleware stands around it, and may change how it goes: time it,
answer in its place, or refuse it by raising. Where there is none, nothing is wrapped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from stem_core.tasks.context import TaskContext

if TYPE_CHECKING:
    from stem_core.client.job import Job

T = TypeVar("T")
R = TypeVar("R")
CallNext: TypeAlias = Callable[[T], Awaitable[R]]


class Middleware:
    """Base of what wraps enqueues and runs; each method may be left out.

    The first of a list is the outermost. One instance serves all, also at the same time.
    """

    async def on_enqueue(self, job: Job, call_next: CallNext[Job, str]) -> str:
        """Stand around one job that is enqueued, in the producer's event loop. What it raises, the enqueue raises.

        That is each job that a producer seals: those of chains and groups, links, callbacks and `on_error` too, once
        each. What follows a job has its turn inside the `call_next` of that job. A job on which others rely, in a
        chain, in a group or behind another one, must be called on with once, and keep its `task_id`.

        Args:
            job: What is to be sent; `job.with_options(…)` makes one that differs.
            call_next: Sends a job, and returns its id once the broker has it; or, if the job goes with others (as
                members of a group, or behind a job), once it is ready to be sent with them.

        Returns:
            The id to give to the producer.
        """
        return await call_next(job)

    async def on_execute(self, context: TaskContext, call_next: CallNext[TaskContext, object]) -> object:
        """Stand around one run of a task, after `task_prerun` and before `task_postrun`.

        It runs on the worker's event loop, or in the child process with `execution="process"`. What it raises counts as
        raised by the task. A cancellation or a time limit comes out of `call_next` like any exception: let it through.

        Args:
            context: The run.
            call_next: Runs the handler, and returns its result.

        Returns:
            The result to keep.
        """
        return await call_next(context)


def around_enqueue(middleware: Sequence[Middleware], send: CallNext[Job, str]) -> CallNext[Job, str]:
    """Return `send` with all middleware around it."""
    for each in reversed(middleware):
        send = _link(each.on_enqueue, send)
    return send


def around_execute(
    middleware: Sequence[Middleware], run: CallNext[TaskContext, object]
) -> CallNext[TaskContext, object]:
    """Return `run` with all middleware around it."""
    for each in reversed(middleware):
        run = _link(each.on_execute, run)
    return run


def _link(step: Callable[[T, CallNext[T, R]], Awaitable[R]], call_next: CallNext[T, R]) -> CallNext[T, R]:
    return lambda value: step(value, call_next)
