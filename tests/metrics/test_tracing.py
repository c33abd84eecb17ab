"""OpenTelemetry: one trace from the producer to the run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from stem_core import Stem, TaskContext, TaskRetryPolicy
from stem_core.envelope import unseal
from stem_core.metrics import OpenTelemetryMiddleware
from stem_core.metrics.buckets import SECONDS
from stem_core.stores.memory import InMemoryBroker
from tests.worker.cluster import Cluster


class Telemetry(NamedTuple):
    """What was told."""

    stem: Stem
    cluster: Cluster
    tracer: trace.Tracer
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def figures(self) -> dict[str, float]:
        """Return counters by name, and the number of what histograms have seen."""
        data = self.reader.get_metrics_data()
        assert data is not None
        found: dict[str, float] = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics:
            for point in metric.data.data_points:
                value = getattr(point, "value", None) or getattr(point, "count", 0)
                found[metric.name] = found.get(metric.name, 0) + value
        return found


@pytest.fixture
async def telemetry(namespace: str) -> AsyncIterator[Telemetry]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    traces, meters = TracerProvider(), MeterProvider([reader])
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    cluster = Cluster(InMemoryBroker(namespace, lease=1.0))
    stem = Stem(broker=cluster.broker, registry=cluster.registry, middleware=[OpenTelemetryMiddleware(traces, meters)])
    await cluster.worker(enqueuer=stem)
    yield Telemetry(stem, cluster, traces.get_tracer("test"), exporter, reader)
    await cluster.close()
    traces.shutdown()
    meters.shutdown()


def context_of(span: ReadableSpan) -> trace.SpanContext:
    assert span.context is not None
    return span.context


async def test_the_run_is_a_child_of_the_enqueue_which_is_a_child_of_the_callers_span(telemetry: Telemetry) -> None:
    def add(a: int) -> int:
        with telemetry.tracer.start_as_current_span("inside the task"):
            return a + 1

    telemetry.cluster.task("add", add)
    with telemetry.tracer.start_as_current_span("request") as request:
        task_id = await telemetry.stem.enqueue("add", {"a": 1}, headers={"own": "kept"})
    status = await telemetry.cluster.ended(task_id)
    assert status.result == 2
    spans = telemetry.spans()
    chain = [spans[name] for name in ("stem.enqueue", "stem.consume", "stem.execute.add", "inside the task")]
    parents = [request.get_span_context().span_id, *(context_of(span).span_id for span in chain[:-1])]
    assert [span.parent.span_id if span.parent else None for span in chain] == parents
    assert {context_of(span).trace_id for span in chain} == {request.get_span_context().trace_id}
    assert [span.kind for span in chain[:2]] == [SpanKind.PRODUCER, SpanKind.CONSUMER]
    attributes = spans["stem.execute.add"].attributes or {}
    assert (attributes["stem.task.id"], attributes["stem.outcome"], attributes["stem.worker"]) == (
        task_id, "succeeded", "w1",
    )  # fmt: skip


async def test_the_context_goes_through_the_envelope_as_w3c_headers(telemetry: Telemetry) -> None:
    await telemetry.stem.enqueue_unchecked("elsewhere", queue="other", headers={"own": "kept"})
    (place,) = await telemetry.cluster.broker.waiting("other", 10)
    headers = unseal(place.body).headers
    span = context_of(telemetry.spans()["stem.enqueue"])
    assert headers == {
        "own": "kept",
        "traceparent": f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}",
    }


async def test_a_traceparent_that_is_none_starts_a_trace_of_its_own(telemetry: Telemetry) -> None:
    async def nothing() -> None:
        return None

    telemetry.cluster.task("nothing", nothing)
    await telemetry.cluster.ended(await telemetry.cluster.send("nothing", headers={"traceparent": "no\u202e such"}))
    assert telemetry.spans()["stem.consume"].parent is None


async def test_failures_retries_and_good_ends_are_told_apart(telemetry: Telemetry) -> None:
    async def task(context: TaskContext) -> None:
        if context.attempt == 0:
            raise LookupError("nothing there")
        if context.attempt == 1:
            context.retry(delay=0.01)

    telemetry.cluster.task("task", task, max_retries=3, retry_policy=TaskRetryPolicy(default_delay=0.01, jitter=False))
    await telemetry.cluster.ended(await telemetry.stem.enqueue("task"))
    runs = [span for span in telemetry.exporter.get_finished_spans() if span.name == "stem.execute.task"]
    assert [(span.attributes or {})["stem.outcome"] for span in runs] == ["failed", "retried", "succeeded"]
    assert [span.status.status_code for span in runs] == [StatusCode.ERROR, StatusCode.UNSET, StatusCode.UNSET]
    assert [event.name for event in runs[0].events] == ["exception"]
    assert telemetry.figures() == {
        "stem.tasks.enqueued": 1,
        "stem.tasks.started": 3,
        "stem.tasks.succeeded": 1,
        "stem.tasks.failed": 1,
        "stem.tasks.retried": 1,
        "stem.task.duration": 3,
    }


async def test_an_error_is_told_without_secret_arguments_and_passwords(telemetry: Telemetry) -> None:
    async def pay(card: str, token: str) -> None:
        raise ValueError(f"{card} and {token} at redis://ann:hunter2@host")

    telemetry.cluster.task("pay", pay, secrets=("card",))
    await telemetry.cluster.ended(await telemetry.stem.enqueue("pay", {"card": "4111 1111", "token": "s3cr3t"}))
    (event,) = telemetry.spans()["stem.execute.pay"].events
    told = dict(event.attributes or {})
    assert told["exception.message"] == "*** and *** at redis://ann:***@host"
    assert "raise ValueError" in str(told["exception.stacktrace"])
    assert [secret for secret in ("4111", "s3cr3t", "hunter2") if secret in str(told)] == []


async def test_lengths_of_runs_are_sorted_by_seconds(telemetry: Telemetry) -> None:
    async def nothing() -> None:
        return None

    telemetry.cluster.task("nothing", nothing)
    await telemetry.cluster.ended(await telemetry.stem.enqueue("nothing"))
    data = telemetry.reader.get_metrics_data()
    assert data is not None
    bounds = [
        tuple(point.explicit_bounds)
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.data.data_points
        if isinstance(point, HistogramDataPoint)
    ]
    assert bounds == [SECONDS]
