"""One job, from the slot that took it to the ending that is to be stored: a straight line of small stages."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from stem_core.delivery import Outcome, Revocation
from stem_core.envelope import Envelope
from stem_core.errors import (
    BrokerError,
    HardTimeLimitExceeded,
    InvalidArgumentsError,
    LeaseLost,
    SoftTimeLimitExceeded,
    StartError,
    UnknownTaskError,
)
from stem_core.events import TaskPostrun, TaskPrerun
from stem_core.results import TaskError
from stem_core.service import Backoff
from stem_core.tasks import BlockingRunner, Enqueuer, TaskContext
from stem_core.text import visible
from stem_core.worker.active import Job, Refusal, Revoked, WorkerStops
from stem_core.worker.children import ChildPool, ResultRefused, run_in_child
from stem_core.worker.core import Core, log
from stem_core.worker.forked import end_if_forked
from stem_core.worker.inputs import Inputs
from stem_core.worker.limits import Limits
from stem_core.worker.outcome import (
    POISON_CRASHES,
    UNREGISTERED_RETURNS,
    Ending,
    dead,
    failed,
    not_json,
    requeued,
    without_secrets,
)
from stem_core.worker.plan import Plan, Plans, expires_at
from stem_core.worker.running import Abandoned, run_in_thread, run_inline
from stem_core.worker.threads import ThreadPool
from stem_core.worker.wrapping import run_wrapped_in_thread, run_wrapped_inline

_TRY_AGAIN: Final = 1.0
"""Seconds until a job comes back whose thread or child process did not start."""


class Endings(Protocol):
    """Where endings go; the settle buffer."""

    def add(self, job: Job, ending: Ending, plan: Plan | None) -> None:
        """Store this ending soon."""


class Ways(NamedTuple):
    """What handlers run with.

    Args:
        threads: Where blocking handlers run.
        children: Where handlers run that must be killable.
        enqueuer: What handlers enqueue with.
        runner: Runs it for handlers that block.
    """

    threads: ThreadPool
    children: ChildPool
    enqueuer: Enqueuer
    runner: BlockingRunner


class Admission(NamedTuple):
    """What may have to come before a start.

    Args:
        limits: How often tasks may start.
        inputs: Arguments that come from other tasks.
    """

    limits: Limits
    inputs: Inputs


class Executor:
    """Runs jobs.

    Args:
        core: What the worker's duties share.
        plans: How jobs are to be run.
        endings: Where their endings go.
        admission: What may have to come before a start.
        ways: What handlers run with.
    """

    def __init__(self, core: Core, plans: Plans, endings: Endings, admission: Admission, ways: Ways) -> None:
        self._core = core
        self._plans = plans
        self._endings = endings
        self._limits, self._inputs = admission
        self._ways = ways
        self._worker = core.settings.id
        self._middleware = core.settings.middleware
        self._pid = os.getpid()
        self.closing: Callable[[], bool] = lambda: False

    async def execute(self, job: Job) -> None:
        """Take a job to its ending. Nothing that a task does comes out of here."""
        envelope = job.envelope
        if envelope is None:
            self._end(job, refused(job), None)
            return
        plan = self._plans.of(envelope) if self._plans.known(envelope.name) else None
        ending = self._examined(job, envelope, plan)
        if ending is None and plan is not None and (envelope.inputs or self._is_limited(job, envelope, plan)):
            ending = await self._admitted(job, envelope, plan)
        if ending is not None or plan is None:
            self._end(job, ending or unregistered(job, envelope.name), plan)
            return
        if job.delivery.deliveries > 1 and not job.broadcast and not await self._begun(job):
            return
        try:
            ending = await self._ran(job, job.envelope or envelope, plan)
        except Abandoned as abandoned:
            await self._abandoned(job, plan, abandoned)
            return
        if ending is not None:
            self._end(job, ending, plan)

    def _examined(self, job: Job, envelope: Envelope, plan: Plan | None) -> Ending | None:
        delivery = job.delivery
        if delivery.revoked is not None:
            return revoked(delivery.revoked)
        expires = envelope.expires_at if plan is None else expires_at(plan, envelope)
        if expires is not None and self._core.broker_time() > expires:
            return Ending(Outcome.REVOKED, reason="expired")
        if delivery.crashes >= POISON_CRASHES:
            return poisoned(job, envelope.name)
        return None if plan is None or envelope.inputs else unfit(plan, envelope)

    def _is_limited(self, job: Job, envelope: Envelope, plan: Plan) -> bool:
        return self._limits.rate(envelope.name, plan) is not None and not job.broadcast

    async def _admitted(self, job: Job, envelope: Envelope, plan: Plan) -> Ending | None:
        """Get the arguments that come from other tasks, and leave to start; else how the job ends for now."""
        if envelope.inputs:
            found = await self._inputs.resolve(job, envelope)
            if isinstance(found, Ending):
                return found
            envelope = job.envelope = found
            ending = unfit(plan, envelope)
            if ending is not None:
                return ending
        if self._is_limited(job, envelope, plan):
            wait = await self._limits.wait(job, envelope, plan)
            if wait:
                return requeued(wait)
        if job.void:
            return requeued()
        return None if job.stop is None else self._after(job, plan, job.stop)

    async def _begun(self, job: Job) -> bool:
        """Record that the handler starts; a job that crashed a worker before must not crash the next unseen."""
        backoff = Backoff()
        while not job.void:
            try:
                await self._core.broker.begin([job.delivery])
            except BrokerError as error:
                delay = backoff.next()
                self._core.link_down(error, delay)
                await self._core.clock.sleep(delay)
            else:
                return not job.void
        return False

    async def _ran(self, job: Job, envelope: Envelope, plan: Plan) -> Ending | None:
        core, delivery, slot = self._core, job.delivery, _current()
        job.started_at = at = core.clock.time()
        delivery.started = True
        await core.reporter.tell_now(
            TaskPrerun(at, delivery.id, envelope.name, delivery.queue, delivery.attempt), envelope
        )
        try:
            result = await self._handled(job, envelope, plan)
            end_if_forked(self._pid)
            ending = Ending(Outcome.SUCCEEDED, result=result) if job.stop is None else self._stopped(job, plan, result)
        except Abandoned:
            raise
        except BaseException as error:
            end_if_forked(self._pid, error)
            if isinstance(error, GeneratorExit) and _current() is not slot:
                raise
            if isinstance(error, asyncio.CancelledError):
                await self._own_cancellation(job, error)
            ending = self._after(job, plan, error)
        if ending is None or job.void:
            return None
        ending.ended_at = core.clock.time()
        await core.reporter.tell_now(
            TaskPostrun(ending.ended_at, delivery.id, envelope.name, delivery.queue, delivery.attempt, ending.state),
            envelope,
            ending.result,
            ending.failure,
        )
        return ending

    async def _handled(self, job: Job, envelope: Envelope, plan: Plan) -> object:
        if plan.execution == "process":
            return await run_in_child(job, plan, self._ways.children)
        context = TaskContext(envelope, job.delivery, self._worker, job, self._ways.enqueuer, self._ways.runner)
        if self._middleware:
            if plan.execution == "inline":
                return await run_wrapped_inline(job, plan, context, self._middleware)
            return await run_wrapped_in_thread(job, plan, context, self._ways.threads, self._middleware)
        if plan.execution == "inline":
            return await run_inline(job, plan, context)
        return await run_in_thread(job, plan, context, self._ways.threads)

    async def _own_cancellation(self, job: Job, error: asyncio.CancelledError) -> None:
        """Take a cancellation off this slot, unless it was meant for the whole worker."""
        task = asyncio.current_task()
        while task is not None and task.cancelling():
            task.uncancel()
        if job.stop is None:
            # When the loop itself is torn down, all tasks are cancelled at once: let the others notice first.
            await asyncio.sleep(0)
            if self.closing():
                raise error

    def _stopped(self, job: Job, plan: Plan, result: object) -> Ending | None:
        """Judge a handler that was told to stop and returned nevertheless."""
        if isinstance(job.stop, SoftTimeLimitExceeded | WorkerStops):
            return Ending(Outcome.SUCCEEDED, result=result)
        return self._after(job, plan, job.stop or LeaseLost("the lease is lost"))

    def _after(self, job: Job, plan: Plan, error: BaseException) -> Ending | None:
        """Decide what a failure, or what the handler was told, makes of the job; None if it is not ours any more."""
        stop = job.stop
        if isinstance(stop, LeaseLost) or job.void:
            return None
        if isinstance(stop, Revoked):
            return revoked(stop.revocation)
        if isinstance(stop, WorkerStops):
            return requeued()
        if isinstance(error, StartError) and not job.broadcast:
            log.error(
                "task %s goes back, to be tried again: %s", visible(job.delivery.id, 80), visible(str(error), 300)
            )
            return requeued(_TRY_AGAIN)
        if isinstance(error, ResultRefused):
            return not_json(error.kind, error.message)
        cause = stop if isinstance(stop, HardTimeLimitExceeded) else error
        return failed(cause, job.delivery.attempt, plan, random.random)

    async def _abandoned(self, job: Job, plan: Plan, abandoned: Abandoned) -> None:
        """Settle a job whose thread cannot be cut, but keep the slot as long as the thread needs it."""
        ending = self._after(job, plan, job.stop or HardTimeLimitExceeded("the task ran too long"))
        if ending is not None:
            self._end(job, ending, plan)
        job.void = True
        log.warning("task %s outlives its hard time limit in a thread", visible(job.delivery.id, 80))
        await asyncio.wait([abandoned.thread])

    def _end(self, job: Job, ending: Ending, plan: Plan | None) -> None:
        if job.void:
            return
        if not ending.ended_at:
            ending.ended_at = self._core.clock.time()
        if ending.error is not None and job.envelope is not None:
            ending.error = without_secrets(ending.error, job.envelope)
        self._endings.add(job, for_broadcast(ending) if job.broadcast else ending, plan)


def _current() -> asyncio.Task[object] | None:
    """Return the task that runs; a coroutine that is torn apart is closed by somebody else, or outside of all loops."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def refused(job: Job) -> Ending:
    """End a job whose bytes are not trusted, or are no envelope; the dead letter keeps them."""
    return dead(*(job.refusal or Refusal("invalid-envelope", "EnvelopeInvalidError", "the bytes are not an envelope")))


def unfit(plan: Plan, envelope: Envelope) -> Ending | None:
    """End a job whose arguments the handler does not take."""
    if not plan.handler.checks_arguments:
        return None
    try:
        plan.handler.bind(envelope.args)
    except InvalidArgumentsError as error:
        return dead("invalid-arguments", type(error).__name__, str(error))
    return None


_NO_HANDLER: Final = "no handler of that name is registered"


def unregistered(job: Job, name: str) -> Ending:
    """Hand a job back for a worker that knows it, until enough did not."""
    if job.delivery.returns >= UNREGISTERED_RETURNS:
        return dead("unregistered-task", UnknownTaskError.__name__, f"{name!r}: {_NO_HANDLER} in any worker asked")
    return Ending(Outcome.REQUEUE, unregistered=True, error=TaskError(type="UnknownTaskError", message=_NO_HANDLER))


def poisoned(job: Job, name: str) -> Ending:
    """End a job that brings its workers down."""
    delivery = job.delivery
    workers = ", ".join(delivery.crashed) or "unknown workers"
    text = f"{delivery.crashes} workers died while they ran it: {workers}"
    log.error("task %s (%s) is poison: %s", visible(delivery.id, 80), visible(name, 80), visible(text, 300))
    return dead("poison", "WorkerCrashed", text)


def revoked(revocation: Revocation) -> Ending:
    """End a job that somebody does not want any more."""
    return Ending(Outcome.REVOKED, reason=revocation.reason or "revoked", by=revocation.by)


def for_broadcast(ending: Ending) -> Ending:
    """A broadcast has no queue to go back to: what would be repeated has failed."""
    if ending.outcome is Outcome.RETRY:
        return Ending(
            Outcome.DEAD, reason="broadcast", failure=ending.failure, error=ending.error, ended_at=ending.ended_at
        )
    if ending.unregistered:
        return Ending(Outcome.DEAD, reason="unregistered-task", error=ending.error, ended_at=ending.ended_at)
    return ending
