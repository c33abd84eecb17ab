"""OpenTelemetry: a trace goes from the producer through the envelope's headers to the run, in any process.

Uses the API alone; without an SDK that a program has set up, all of it does nothing.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stem_core import __version__
from stem_core.client.job import Job
from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.errors import RetryRequested, TaskCancelled
from stem_core.metrics.buckets import SECONDS
from stem_core.middleware import CallNext, Middleware
from stem_core.tasks.context import TaskContext

_NAME: Final = "stem"
_OUTCOMES: Final = {"succeeded": "end well", "failed": "fail", "retried": "ask for a retry", "cancelled": "are stopped"}


class OpenTelemetryMiddleware(Middleware):
    """Spans `stem.enqueue`, `stem.consume` and `stem.execute.<task>`, in one trace (W3C context); counters beside them.

    The consumer's spans are children of the producer's. Of jobs that follow each other, each `stem.enqueue` is a child
    of the one before. Counters and the histogram are per run: a run that fails and is tried again counts as failed, and
    once more when it ends well.

    Args:
        tracer_provider: Where spans go; the process's own if None.
        meter_provider: Where figures go; the process's own if None.
        clock: What runs are timed with.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._propagator = TraceContextTextMapPropagator()
        self._tracer = trace.get_tracer(_NAME, __version__, tracer_provider)
        meter = metrics.get_meter(_NAME, __version__, meter_provider)
        self._enqueued = meter.create_counter("stem.tasks.enqueued", "{task}", "Tasks that were enqueued")
        self._started = meter.create_counter("stem.tasks.started", "{run}", "Runs that began")
        self._ended = {
            outcome: meter.create_counter(f"stem.tasks.{outcome}", "{run}", f"Runs that {meaning}")
            for outcome, meaning in _OUTCOMES.items()
        }
        self._duration = meter.create_histogram(
            "stem.task.duration", "s", "Length of runs", explicit_bucket_boundaries_advisory=SECONDS
        )

    async def on_enqueue(self, job: Job, call_next: CallNext[Job, str]) -> str:
        """Enqueue the job with the trace in its headers."""
        labels = {"stem.task": job.name}
        with self._tracer.start_as_current_span("stem.enqueue", kind=SpanKind.PRODUCER, attributes=labels) as span:
            headers = dict(job.options.get("headers") or {})
            self._propagator.inject(headers)
            task_id = await call_next(job.with_options(headers=headers))
            span.set_attribute("stem.task.id", task_id)
        self._enqueued.add(1, labels)
        return task_id

    async def on_execute(self, context: TaskContext, call_next: CallNext[TaskContext, object]) -> object:
        """Run the task in a span, and time it."""
        labels = {"stem.task": context.name, "stem.queue": context.queue}
        self._started.add(1, labels)
        began, outcome = self._clock.monotonic(), "failed"
        with self._spans(context, labels) as span:
            try:
                result = await call_next(context)
                outcome = "succeeded"
            except BaseException as error:
                outcome = _outcome(error)
                if outcome == "failed":
                    span.record_exception(error, _shown(error, context))
                    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise
            finally:
                span.set_attribute("stem.outcome", outcome)
                self._ended[outcome].add(1, labels)
                self._duration.record(self._clock.monotonic() - began, {**labels, "stem.outcome": outcome})
        return result

    @contextmanager
    def _spans(self, context: TaskContext, labels: dict[str, str]) -> Iterator[Span]:
        parent: Context = self._propagator.extract(context.headers)
        facts: dict[str, str | int] = {
            **labels,
            "stem.task.id": context.id,
            "stem.attempt": context.attempt,
            "stem.deliveries": context.deliveries,
            "stem.worker": context.worker,
        }
        with (
            self._tracer.start_as_current_span(
                "stem.consume",
                parent,
                SpanKind.CONSUMER,
                facts,
                record_exception=False,
                set_status_on_exception=False,
            ),
            self._tracer.start_as_current_span(
                f"stem.execute.{context.name}",
                attributes=facts,
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
        ):
            yield span


def _shown(error: BaseException, context: TaskContext) -> dict[str, str]:
    """Return what a span tells of an error, without the values of secret arguments."""
    trace_text = "".join(traceback.format_exception(error))
    return {
        "exception.message": context.without_secrets(str(error)),
        "exception.stacktrace": context.without_secrets(trace_text),
    }


def _outcome(error: BaseException) -> str:
    if isinstance(error, RetryRequested):
        return "retried"
    return "cancelled" if isinstance(error, asyncio.CancelledError | TaskCancelled) else "failed"
