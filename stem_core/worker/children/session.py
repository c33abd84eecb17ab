"""A child's working life: it takes runs from its worker, one at a time, and answers each."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import msgspec
import psutil

from stem_core.client import Stem
from stem_core.client.sync import BACKGROUND
from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery
from stem_core.envelope import Envelope, unseal
from stem_core.errors import LeaseLost, RetryRequested, SoftTimeLimitExceeded, TaskCancelled
from stem_core.retry import class_names
from stem_core.tasks import TaskContext
from stem_core.worker.children.enqueuing import ChildEnqueuer
from stem_core.worker.children.interrupts import on_terminate, soft_alarm
from stem_core.worker.children.job import ChildJob, ProgressTeller
from stem_core.worker.children.messages import (
    MAX_MESSAGE,
    Began,
    Ended,
    Leave,
    Raised,
    Returned,
    Run,
    Setup,
    Stop,
    ToChild,
    Unkept,
    Wished,
)
from stem_core.worker.children.orphans import die_with_family
from stem_core.worker.children.wire import Wire
from stem_core.worker.children.wrapping import wrapped_call
from stem_core.worker.core import log
from stem_core.worker.forked import end_if_forked
from stem_core.worker.outcome import describe
from stem_core.worker.plan import Plan, Plans
from stem_core.worker.running import left_to_await, run_inline
from stem_core.worker.wrapping import WrappedHandler


class Session:
    """Runs tasks in the main thread; a second thread hears the worker meanwhile.

    Args:
        wire: The way to the worker.
        app: Has the tasks.
        setup: What the worker said at the start.
    """

    def __init__(self, wire: Wire, app: Stem, setup: Setup) -> None:
        self._wire = wire
        self._plans = Plans(app.registry)
        self._middleware = tuple(app.middleware)
        self._worker = setup.worker
        self._enqueuer = ChildEnqueuer(app, setup.location)
        self._inbox: SimpleQueue[Run | Leave] = SimpleQueue()
        self._teller = ProgressTeller(wire.send)
        self._process = psutil.Process()
        self._job: ChildJob | None = None
        self._stop: Stop | None = None
        self._orphaned = False

    def serve(self, messages: Iterator[ToChild]) -> None:
        """Work until the worker wants no more, or is gone.

        Args:
            messages: What the worker says.
        """
        threading.Thread(target=self._listen, args=(messages,), name="stem-worker", daemon=True).start()
        self._teller.start()
        on_terminate(self._interrupt)
        try:
            while isinstance(message := self._inbox.get(), Run) and not self._orphaned:
                self._wire.send(self._ended(message))
        except OSError as error:
            # At once: a thread that the task left behind would keep the process, and the worker would wait for it.
            log.error("the way to the worker is closed, perhaps by the task: %s", error)
            os._exit(1)

    def _listen(self, messages: Iterator[ToChild]) -> None:
        for message in messages:
            if isinstance(message, Stop):
                self._stop = message
                self._hear(self._job)
            elif isinstance(message, Run | Leave):
                self._inbox.put(message)
        self._orphaned = True
        if self._job is not None:
            die_with_family()  # nobody wants the outcome any more
        self._inbox.put(Leave())

    def _hear(self, job: ChildJob | None) -> None:
        stop = self._stop
        if stop is not None and job is not None and job.delivery.id == stop.id:
            job.hear((LeaseLost if stop.lost else TaskCancelled)(stop.message, stop.hint))

    def _interrupt(self) -> None:
        """Raise what a deaf task was told, wherever it is; the worker kills the process next."""
        job = self._job
        if job is not None and job.stop is not None and not isinstance(job.stop, SoftTimeLimitExceeded):
            raise job.stop

    def _ended(self, run: Run) -> Ended:
        try:
            ended = self._kept(run, self._result(run))
        except RetryRequested as wish:
            ended = Wished(id=run.id, rss=self._rss(), delay=wish.delay, reason=_clean(wish.reason))
        except BaseException as error:  # noqa: BLE001 - SystemExit and the like in a task are failures of the task
            ended = Raised(id=run.id, rss=self._rss(), error=describe(error), classes=tuple(class_names(error)))
        self._job = self._stop = None
        return ended

    def _result(self, run: Run) -> object:
        body = bytes(run.body)
        envelope = unseal(body)
        if run.inputs:
            envelope = msgspec.structs.replace(envelope, args={**envelope.args, **run.inputs})
        delivery = Delivery(
            id=run.id, queue=run.queue, body=body, attempt=run.attempt, deliveries=run.deliveries, owner=self._worker,
            token=run.token,
        )  # fmt: skip
        job = self._job = ChildJob(delivery, envelope, self._teller.tell)
        self._hear(job)
        self._wire.send(Began(run.id))
        context = TaskContext(envelope, delivery, self._worker, job, self._enqueuer, BACKGROUND)
        plan = self._plan(envelope)
        if not self._middleware:
            return contextvars.copy_context().run(_handled, job, plan, context)  # the next task starts as this one did
        if plan.handler.is_async:
            return _handled(job, plan._replace(handler=WrappedHandler(plan.handler, self._middleware)), context)
        return wrapped_call(context, self._middleware, lambda: _handled(job, plan, context))

    def _plan(self, envelope: Envelope) -> Plan:
        return self._plans.of(envelope)._replace(hard=None)  # the worker itself sees to the hard limit

    def _kept(self, run: Run, result: object) -> Ended:
        try:
            body = msgspec.json.encode(result)
            if len(body) > MAX_MESSAGE:
                raise ValueError(f"{len(body):,} bytes, at most {MAX_MESSAGE:,}")  # noqa: TRY301 - told like the others
        except Exception as error:  # noqa: BLE001 - whatever the encoder meets in a task's result is the task's fault
            return Unkept(id=run.id, rss=self._rss(), kind=type(error).__name__, message=_clean(str(error)))
        return Returned(id=run.id, rss=self._rss(), result=msgspec.Raw(body))

    def _rss(self) -> int:
        return int(self._process.memory_info().rss)


def _handled(job: ChildJob, plan: Plan, context: TaskContext) -> object:
    """Run the handler, `async def` on an event loop of its own; what it raises comes out."""
    pid = os.getpid()
    try:
        if not plan.handler.is_async:
            began = SYSTEM_CLOCK.monotonic()
            with soft_alarm(plan):
                answer = plan.handler.call(context, context.args)
            if not inspect.isawaitable(answer):
                return answer
            plan = left_to_await(plan, answer, SYSTEM_CLOCK.monotonic() - began)
        return _unwrapped(asyncio.run(_on_loop(job, plan, context)))
    finally:
        end_if_forked(pid, sys.exception())


async def _on_loop(job: ChildJob, plan: Plan, context: TaskContext) -> tuple[object, BaseException | None]:
    # What it raises is handed out as a value, since asyncio treats some exceptions as meant for itself.
    job.loop = asyncio.get_running_loop()
    try:
        if job.stop is not None:
            raise job.stop  # noqa: TRY301 - it came before there was a loop to hear it on
        return await run_inline(job, plan, context), None
    except BaseException as error:  # noqa: BLE001 - see above
        return None, error


def _unwrapped(outcome: tuple[object, BaseException | None]) -> object:
    result, failure = outcome
    if failure is not None:
        raise failure
    return result


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
