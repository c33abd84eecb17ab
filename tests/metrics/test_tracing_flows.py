"""OpenTelemetry: one trace over chains, groups and what follows them, whoever sends it on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from stem_core import RESULT, Job, Stem, TaskContext
from stem_core.metrics import OpenTelemetryMiddleware
from stem_core.stores import connect_broker
from tests.conftest import SERVED
from tests.worker.cluster import Cluster, until


class Telemetry(NamedTuple):
    """What was told."""

    stem: Stem
    cluster: Cluster
    tracer: trace.Tracer
    exporter: InMemorySpanExporter

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def of(self, name: str, task_id: str) -> ReadableSpan:
        """Return the span of that name for that task."""
        return next(span for span in self.spans(name) if (span.attributes or {}).get("stem.task.id") == task_id)


@pytest.fixture(params=[store for store in SERVED if store.id in ("sqlite", "valkey")])
async def telemetry(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Telemetry]:
    url = request.getfixturevalue(request.param)
    exporter = InMemorySpanExporter()
    traces, meters = TracerProvider(), MeterProvider([InMemoryMetricReader()])
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    cluster = Cluster(await connect_broker(url, namespace=namespace, lease=2.0))
    stem = Stem(broker=cluster.broker, registry=cluster.registry, middleware=[OpenTelemetryMiddleware(traces, meters)])
    await cluster.worker(middleware=stem.middleware)
    yield Telemetry(stem, cluster, traces.get_tracer("test"), exporter)
    await cluster.close()
    traces.shutdown()
    meters.shutdown()


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


async def test_one_trace_leads_from_a_producer_over_a_chain_and_a_group_to_the_callback(telemetry: Telemetry) -> None:
    cluster, stem = telemetry.cluster, telemetry.stem

    async def add(x: int) -> int:
        return x + 1

    def fan_out(context: TaskContext, x: int) -> str | None:
        jobs = [Job("add", {"x": x + number}) for number in range(3)]
        return context.enqueue_group_sync(jobs, callback=Job("total", {"numbers": RESULT})).callback

    def total(numbers: list[int]) -> int:
        return sum(numbers)

    for task in (add, fan_out, total):
        cluster.task(task.__name__, task)
    with telemetry.tracer.start_as_current_span("request") as request:
        chain = await stem.enqueue_chain(
            [Job("add", {"x": 0}), Job("add", {"x": RESULT}), Job("fan_out", {"x": RESULT})]
        )
    callback = str((await cluster.ended(chain[2])).result)
    assert (await cluster.ended(callback)).result == 12
    await until(lambda: telemetry.spans("stem.execute.total"))

    spans = telemetry.exporter.get_finished_spans()
    assert {span.context.trace_id for span in spans if span.context} == {request.get_span_context().trace_id}
    assert len(telemetry.spans("stem.enqueue")) == 7
    assert len(telemetry.spans("stem.consume")) == 7
    assert len(telemetry.spans("stem.execute.add")) == 5
    # Each run hangs on its own enqueue; those of a chain hang on each other.
    enqueued = {id_of(span) for span in telemetry.spans("stem.enqueue")}
    assert {parent_of(span) for span in telemetry.spans("stem.consume")} == enqueued
    outer = request.get_span_context().span_id
    for task_id in chain:
        consumed = telemetry.of("stem.consume", task_id)
        enqueue = next(span for span in telemetry.spans("stem.enqueue") if id_of(span) == parent_of(consumed))
        assert parent_of(enqueue) == outer
        outer = id_of(enqueue)
    # What the task sent from its thread hangs on its run.
    run = telemetry.of("stem.execute.fan_out", chain[2])
    assert len([span for span in telemetry.spans("stem.enqueue") if parent_of(span) == id_of(run)]) == 4


async def test_links_for_failures_and_on_error_are_in_the_trace_too(telemetry: Telemetry) -> None:
    cluster, stem = telemetry.cluster, telemetry.stem

    async def fail() -> None:
        raise ValueError("it")

    async def note(error: object) -> object:
        return error

    cluster.task("fail", fail)
    cluster.task("note", note)
    with telemetry.tracer.start_as_current_span("request") as request:
        await stem.enqueue("fail", link_error=Job("note", {"error": RESULT}, task_id="linked"))
        group = await stem.enqueue_group([Job("fail"), Job("fail")], on_error=Job("note", {"error": RESULT}))
    assert group.on_error is not None
    for task_id in ("linked", group.on_error):
        await cluster.ended(task_id)
        ran = telemetry.of("stem.execute.note", task_id)
        assert ran.context is not None
        assert ran.context.trace_id == request.get_span_context().trace_id
