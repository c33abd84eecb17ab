"""What becomes of a job: decisions without side effects, and the records that tell of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import msgspec

from stem_core.delivery import Delivery, Outcome, Settlement
from stem_core.durations import bounded
from stem_core.envelope import Envelope
from stem_core.errors import RetryRequested, TaskFailedInChildError
from stem_core.events import MAX_TEXT, TaskEvent, TaskFailed, TaskRetry, TaskRevoked, TaskSucceeded
from stem_core.redaction import hide, secret_values
from stem_core.results import TaskError, TaskRecord, encode_record
from stem_core.states import TaskState
from stem_core.text import visible
from stem_core.worker.active import Job
from stem_core.worker.plan import DEFAULT_RESULT_TTL, Plan

POISON_CRASHES: Final = 3
UNREGISTERED_RETURNS: Final = 3
_MAX_MESSAGE: Final = 2_000
_MAX_TRACEBACK: Final = 20_000

_STATES: Final = {
    Outcome.SUCCEEDED: TaskState.SUCCEEDED,
    Outcome.DEAD: TaskState.FAILED,
    Outcome.REVOKED: TaskState.CANCELLED,
    Outcome.RETRY: TaskState.RETRIED,
    Outcome.REQUEUE: TaskState.QUEUED,
}


@dataclass(slots=True)
class Ending:
    """How a job ends in this worker, before it is stored.

    Args:
        outcome: As the store knows it.
        reason: Why it is dead or revoked.
        result: What the task returned.
        failure: What it raised.
        error: The failure as text, made when the ending is decided.
        delay: Seconds before a retry, or before a job that is handed back is ready.
        by: Who revoked it.
        unregistered: Handed back for want of a handler.
        ended_at: Epoch seconds.
    """

    outcome: Outcome
    reason: str = ""
    result: object = None
    failure: BaseException | None = None
    error: TaskError | None = None
    delay: float = 0.0
    by: str = ""
    unregistered: bool = False
    ended_at: float = 0.0

    @property
    def state(self) -> TaskState:
        """What the task becomes."""
        return _STATES[self.outcome]


def requeued(delay: float = 0.0) -> Ending:
    """The job goes back as if it had not been fetched, and waits for `delay` seconds there."""
    return Ending(Outcome.REQUEUE, delay=delay)


def dead(reason: str, kind: str, message: str) -> Ending:
    """The job will not run again by itself."""
    return Ending(Outcome.DEAD, reason=reason, error=TaskError(type=kind, message=_clean(message, _MAX_MESSAGE)))


def not_json(kind: str, message: str) -> Ending:
    """The task ended well, but what it returned cannot be kept."""
    return dead("result-not-serialisable", kind, f"the result is not JSON: {message}")


def not_stored(ending: Ending, error: Exception) -> Ending:
    """The task ended, but a store refuses to keep how."""
    said = f"the store refuses the outcome {ending.outcome.value!r}: {visible(str(error), 300)}"
    if ending.error is not None:
        said += f"; the run ended with {visible(_short(ending.error), 300)}"
    refused = dead("outcome-refused", type(error).__name__, said)
    refused.ended_at = ending.ended_at
    return refused


def failed(failure: BaseException, attempt: int, plan: Plan, random: Callable[[], float]) -> Ending:
    """Decide between a retry and a dead letter.

    Args:
        failure: What the handler raised.
        attempt: Number of the run that failed; the first is 0.
        plan: How the job is run.
        random: Source of numbers in [0, 1).
    """
    error = describe(failure)
    wished = isinstance(failure, RetryRequested)
    if not wished and not plan.policy.allows(failure):
        return Ending(Outcome.DEAD, reason="not-retryable", failure=failure, error=error)
    if attempt >= plan.max_retries:
        return Ending(Outcome.DEAD, reason="max-retries-exhausted", failure=failure, error=error)
    delay = failure.delay if isinstance(failure, RetryRequested) else None
    if delay is None:
        delay = plan.policy.delay(attempt, random)
    return Ending(Outcome.RETRY, failure=failure, error=error, delay=delay)


def describe(failure: BaseException) -> TaskError:
    """Return what to tell of an exception, without the worker's own frames; never fails."""
    if isinstance(failure, TaskFailedInChildError):
        return TaskError(type=failure.kind, message=failure.text, traceback=failure.trace)
    message = _said(lambda: str(failure))
    text = _said(lambda: "".join(traceback.format_exception(type(failure), failure, _own_frames_cut(failure))))
    if len(text) > _MAX_TRACEBACK:
        text = f"{text[: _MAX_TRACEBACK // 2]}\n…\n{text[-_MAX_TRACEBACK // 2 :]}"
    kind = type(failure)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return TaskError(
        type=_clean(name, 200), message=_clean(message, _MAX_MESSAGE), traceback=_clean(text, len(text) + 1)
    )


def _said(say: Callable[[], str]) -> str:
    try:
        return say()
    except BaseException as error:  # noqa: BLE001 - an exception of a task may do anything when it is printed
        return f"<cannot be shown: {type(error).__name__}>"


def without_secrets(error: TaskError, envelope: Envelope) -> TaskError:
    """Return an error without the values of secret arguments and headers, should the task's message have them."""
    values = secret_values({"args": envelope.args, "headers": envelope.headers}, envelope.secrets)
    return TaskError(type=error.type, message=hide(error.message, values), traceback=hide(error.traceback, values))


def settlement(job: Job, ending: Ending, plan: Plan | None, worker: str) -> Settlement:
    """Return what to store. A result that is not JSON makes the job dead, and changes `ending` to say so."""
    delivery = job.delivery
    outcome = ending.outcome
    if outcome is Outcome.RETRY or outcome is Outcome.REQUEUE:
        return Settlement(
            delivery=delivery, outcome=outcome, delay=bounded(ending.delay), unregistered=ending.unregistered,
            error=_short(ending.error),
        )  # fmt: skip
    ignore = plan is not None and plan.ignore_result
    try:
        record = encode_record(_record(job, ending, worker, None if ignore else ending.result))
    except Exception as error:  # noqa: BLE001 - whatever the encoder meets in a task's result is the task's fault
        refused = not_json(type(error).__name__, str(error))
        ending.outcome, ending.reason, ending.error, ending.result = (
            refused.outcome,
            refused.reason,
            refused.error,
            None,
        )
        record = encode_record(_record(job, ending, worker, None))
    return Settlement(
        delivery=delivery,
        outcome=ending.outcome,
        record=record,
        record_ttl=DEFAULT_RESULT_TTL if plan is None else bounded(plan.result_ttl),
        reason=ending.reason,
        error=_short(ending.error),
    )


def _record(job: Job, ending: Ending, worker: str, result: object) -> TaskRecord:
    delivery = job.delivery
    return TaskRecord(
        state=ending.state,
        attempt=delivery.attempt,
        deliveries=delivery.deliveries,
        result=result,
        error=ending.error,
        reason=ending.reason,
        worker=worker,
        started_at=job.started_at,
        finished_at=ending.ended_at,
        envelope=msgspec.Raw(delivery.body if job.envelope is not None else _stand_in(delivery)),
    )


def _stand_in(delivery: Delivery) -> bytes:
    # The bytes are no envelope; the dead letter keeps them, the record says whose they were.
    return msgspec.json.encode(Envelope(id=delivery.id, name="", queue=delivery.queue))


def event_of(job: Job, ending: Ending) -> TaskEvent | None:
    """Return the event that tells of a stored ending; None for what is only handed back."""
    delivery = job.delivery
    at, attempt, queue = ending.ended_at, delivery.attempt, delivery.queue
    task = job.envelope.name if job.envelope is not None else ""
    runtime = 0.0 if job.started_at is None else max(at - job.started_at, 0.0)
    match ending.outcome:
        case Outcome.SUCCEEDED:
            return TaskSucceeded(at, delivery.id, task, queue, attempt, runtime)
        case Outcome.DEAD:
            return TaskFailed(at, delivery.id, task, queue, attempt, runtime, _short(ending.error), ending.reason)
        case Outcome.RETRY:
            return TaskRetry(at, delivery.id, task, queue, attempt, runtime, _short(ending.error), ending.delay)
        case Outcome.REVOKED:
            ran = job.started_at is not None
            return TaskRevoked(at, delivery.id, task, queue, attempt, ending.reason, ending.by, ran)
        case Outcome.REQUEUE:
            return None


def _short(error: TaskError | None) -> str:
    if error is None:
        return ""
    text = f"{error.type}: {error.message}" if error.message else error.type
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _clean(text: str, limit: int) -> str:
    # JSON cannot carry lone surrogates.
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


def _own_frames_cut(failure: BaseException) -> TracebackType | None:
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if not str(module).startswith(("stem_core.worker", "stem_core.tasks", "stem_core.middleware")):
            break
        trace = trace.tb_next
    return trace
