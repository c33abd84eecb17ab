"""A worker's figures for Prometheus, fed by its signals: what has ended by event, how it is by heartbeat."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stem_core.errors import BrokerError
from stem_core.events import TaskFailed, TaskRetry, TaskRevoked, TaskSucceeded, WorkerHeartbeat
from stem_core.metrics.buckets import SECONDS
from stem_core.signals import SignalContext, StemSignals
from stem_core.snapshot import WorkerSnapshot
from stem_core.stores.port import QueueControl

_log: Final = logging.getLogger("stem.metrics")
_UNKNOWN: Final = "(unknown)"


class WorkerFigures:
    """Collects, from now on until it is closed.

    Args:
        worker: Id of the worker, whose signals are listened to.
        namespace: Its namespace, a label of `stem_worker_info`.
        tasks: Names of its tasks; other names, which come from outside, are counted together as `(unknown)`.
        queues: Asked for the depth of the worker's queues with each heartbeat.

    Attributes:
        registry: What to serve.
    """

    def __init__(self, worker: str, namespace: str, tasks: Collection[str], queues: QueueControl) -> None:
        self.registry = CollectorRegistry()
        self._tasks = frozenset(tasks)
        self._queues = queues
        self._ended = Counter(
            "stem_tasks", "Runs by what became of the task", ["task", "state"], registry=self.registry
        )
        self._duration = Histogram(
            "stem_task_duration_seconds", "Length of runs", ["task"], buckets=SECONDS, registry=self.registry
        )
        self._depth = Gauge(
            "stem_queue_depth", "Jobs in the worker's queues", ["queue", "state"], registry=self.registry
        )
        self._snapshots = _Snapshots(namespace)
        self.registry.register(self._snapshots)
        self._listening = ExitStack()
        for signal in (StemSignals.on_task_succeeded, StemSignals.on_task_failed, StemSignals.on_task_retry):
            self._listening.enter_context(signal(self._note_run, worker_id=worker))
        self._listening.enter_context(StemSignals.on_task_revoked(self._note_revoked, worker_id=worker))
        self._listening.enter_context(StemSignals.on_worker_heartbeat(self._note_heartbeat, worker_id=worker))

    def close(self) -> None:
        """Stop listening."""
        self._listening.close()

    def _note_run(self, event: TaskSucceeded | TaskFailed | TaskRetry, _context: SignalContext) -> None:
        task = self._known(event.task)
        self._ended.labels(task, _STATES[type(event)]).inc()
        if event.runtime:  # what was refused or is unknown here has not run
            self._duration.labels(task).observe(event.runtime)

    def _note_revoked(self, event: TaskRevoked, _context: SignalContext) -> None:
        self._ended.labels(self._known(event.task), "cancelled").inc()

    def _known(self, task: str) -> str:
        return task if task in self._tasks else _UNKNOWN

    async def _note_heartbeat(self, event: WorkerHeartbeat, _context: SignalContext) -> None:
        self._snapshots.latest = event.snapshot
        try:
            stats = await self._queues.stats(event.snapshot.queues) if event.snapshot.queues else []
        except BrokerError as error:
            _log.debug("the depth of queues is not known: %s", error)
            return
        for queue in stats:
            for state in ("ready", "inflight", "delayed", "dead"):
                self._depth.labels(queue.name, state).set(getattr(queue, state))


class _Snapshots(Collector):
    """Shows the latest snapshot, which another thread replaces as a whole."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.latest: WorkerSnapshot | None = None

    def collect(self) -> Iterator[Metric]:
        """Return what there is to say."""
        snapshot = self.latest
        if snapshot is None:
            return
        info = GaugeMetricFamily("stem_worker_info", "Who the worker is", labels=["worker", "namespace", "version"])
        info.add_metric([snapshot.worker, self._namespace, snapshot.version], 1)
        yield info
        for name, text, value in _gauges(snapshot):
            yield GaugeMetricFamily(f"stem_worker_{name}", text, value)
        for name, text, total in _counters(snapshot):
            yield CounterMetricFamily(f"stem_worker_{name}", text, total)


def _gauges(snapshot: WorkerSnapshot) -> Iterator[tuple[str, str, float]]:
    yield "inflight", "Jobs that it holds", snapshot.held
    yield "active", "Tasks that it runs", snapshot.active
    yield "concurrency", "Its slots", snapshot.concurrency
    yield "draining", "1 if it takes no more jobs", float(snapshot.state != "running")
    yield "loop_lag_seconds", "Worst delay of its event loop since the heartbeat before", snapshot.loop_lag
    yield "lease_age_seconds", "Time since it renewed its leases, 0 if it holds none", snapshot.lease_age or 0.0
    yield "resident_memory_bytes", "Its memory", snapshot.rss
    yield "children", "Its child processes", len(snapshot.children)
    yield "heartbeat_timestamp_seconds", "When it told all this", snapshot.at


def _counters(snapshot: WorkerSnapshot) -> Iterator[tuple[str, str, float]]:
    yield "reconnects", "How often the broker was back after it had been lost", snapshot.reconnects
    yield "events_dropped", "Events that it could not publish", snapshot.dropped
    yield "refused", "Messages that were refused for their signature, or as repetitions", snapshot.refused


_STATES: Final = {TaskSucceeded: "succeeded", TaskFailed: "failed", TaskRetry: "retried"}
