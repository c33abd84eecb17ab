"""Running one job in a child process: its hard limit, what it is told, and what comes back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Final

import msgspec

from stem_core.errors import ChildDiedError, HardTimeLimitExceeded, LeaseLost, RetryRequested, TaskFailedInChildError
from stem_core.worker.active import Job, WorkerStops
from stem_core.worker.children.messages import Ended, Progress, Raised, Returned, Run, Stop, Unkept, Wished
from stem_core.worker.children.pool import ChildPool
from stem_core.worker.children.process import ChildProcess
from stem_core.worker.plan import Plan
from stem_core.worker.running import hard_limit

TERM_GRACE: Final = 1.0
"""Seconds from the signal that ends a deaf task to the one that ends its process."""
_TRIES: Final = 3


class ResultRefused(Exception):  # noqa: N818 - the task did nothing wrong but to return it
    """What a task returned in a child process is not JSON, or too much of it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


async def run_in_child(job: Job, plan: Plan, pool: ChildPool) -> object:
    """Run a handler in a child process; what it raises comes out as `TaskFailedInChildError`.

    The soft limit is the child's own affair. At the hard limit the child is killed. A stop is told to the handler at
    its next checkpoint; if it does not end within the grace it is interrupted wherever it is, and then killed.

    Raises:
        ChildDiedError: The child died while it ran the task.
        ChildStartError: No child could be started; the task has not begun.
        ResultRefused: The result cannot be kept.
        RetryRequested: The task asked for it.
    """
    tries = 0
    while True:
        child = await pool.acquire()
        tries += 1
        try:
            return _outcome(await _Hold(job, plan, child, pool.grace).run())
        except ChildDiedError:
            # A child that was killed while it was idle has not touched the task.
            if child.began or job.stop is not None or tries == _TRIES:
                raise
        finally:
            pool.release(child)


class _Hold:
    """A job in a child, and the timers that may end it."""

    def __init__(self, job: Job, plan: Plan, child: ChildProcess, grace: float) -> None:
        self._job = job
        self._plan = plan
        self._child = child
        self._grace = grace
        self._timers: list[asyncio.TimerHandle] = []

    async def run(self) -> Ended:
        job, delivery = self._job, self._job.delivery
        if job.stop is not None:
            raise job.stop
        job.on_stop = self._told
        self._child.on_progress = self._progress
        if self._plan.hard is not None:
            self._later(self._plan.hard, self._out_of_time)
        try:
            return await self._child.run(
                Run(
                    id=delivery.id,
                    body=msgspec.Raw(delivery.body),
                    queue=delivery.queue,
                    attempt=delivery.attempt,
                    deliveries=delivery.deliveries,
                    token=delivery.token,
                    inputs=_inputs(job),
                )
            )
        finally:
            job.on_stop = _nothing
            for timer in self._timers:
                timer.cancel()

    def _later(self, delay: float, call: Callable[..., None], *args: object) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(delay, call, *args))

    def _progress(self, progress: Progress) -> None:
        if progress.id == self._job.delivery.id:
            self._job.fraction, self._job.note = progress.fraction, progress.note

    def _out_of_time(self) -> None:
        if self._job.stop is None:
            self._job.tell(hard_limit(self._plan))
        else:
            self._child.kill()  # it was told something else before, and that stays why it ended

    def _told(self) -> None:
        job, stop = self._job, self._job.stop
        if stop is None:
            return
        if isinstance(stop, HardTimeLimitExceeded) or (job.void and isinstance(stop, WorkerStops)):
            self._child.kill()
            return
        self._child.send(Stop(job.delivery.id, stop.message, stop.hint, isinstance(stop, LeaseLost)))
        if not isinstance(stop, WorkerStops):  # a soft shutdown has a grace of its own, at whose end it turns hard
            self._later(self._grace, self._child.kill, signal.SIGTERM)
            self._later(self._grace + TERM_GRACE, self._child.kill)


def _inputs(job: Job) -> dict[str, object]:
    envelope = job.envelope
    return {} if envelope is None else {name: envelope.args[name] for name in envelope.inputs}


def _outcome(ended: Ended) -> object:
    match ended:
        case Returned():
            return msgspec.json.decode(ended.result)
        case Unkept():
            raise ResultRefused(ended.kind, ended.message)
        case Wished():
            raise RetryRequested(ended.delay, ended.reason)
        case Raised():
            error = ended.error
            raise TaskFailedInChildError(error.type, error.message, error.traceback, frozenset(ended.classes))


def _nothing() -> None:
    """Do nothing: the job is not in a child any more."""
