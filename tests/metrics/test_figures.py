"""A worker's figures for Prometheus."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stem_core.errors import ConfigurationError
from stem_core.metrics import MetricsEndpoint, WorkerFigures
from stem_core.stores.memory import InMemoryBroker
from stem_core.testing import FaultyBroker
from tests.worker.cluster import Cluster, until

Samples = dict[tuple[str, ...], float]


class Served:
    """A worker whose figures are served."""

    def __init__(self, namespace: str) -> None:
        self.broker = FaultyBroker(InMemoryBroker(namespace, lease=1.0))
        self.cluster = Cluster(self.broker)
        self.cluster.task("good", self._good)
        self.cluster.task("bad", self._bad, max_retries=0)
        self.figures = WorkerFigures("w1", namespace, ["good", "bad"], self.broker)
        self.endpoint = MetricsEndpoint(self.figures.registry, "127.0.0.1", 0)

    async def _good(self) -> None:
        return None

    async def _bad(self) -> None:
        raise ValueError("bad")

    def samples(self) -> Samples:
        """Scrape, and return values by name and labels."""
        with urllib.request.urlopen(self.endpoint.url, timeout=5) as answer:
            text = answer.read().decode()
        return {
            (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def has(self, *key: str, value: float) -> None:
        """Wait until a figure has a value."""
        await until(lambda: self.samples().get(key) == value, f"{key} = {value} in {self.samples()}")


@pytest.fixture
async def served(namespace: str) -> AsyncIterator[Served]:
    served = Served(namespace)
    yield served
    served.endpoint.close()
    served.figures.close()
    await served.cluster.close()


async def test_tasks_are_counted_by_what_became_of_them(served: Served) -> None:
    await served.cluster.worker()
    for name in ("good", "good", "bad"):
        await served.cluster.ended(await served.cluster.send(name))
    await served.has("stem_tasks_total", "state=succeeded", "task=good", value=2)
    await served.has("stem_tasks_total", "state=failed", "task=bad", value=1)
    assert served.samples()["stem_task_duration_seconds_count", "task=good"] == 2


async def test_the_worker_tells_how_it_is_and_how_deep_its_queues_are(served: Served) -> None:
    await served.cluster.worker(concurrency=3)
    await served.cluster.send("good", delay=3600.0)
    await served.has("stem_worker_concurrency", value=3)
    await served.has("stem_queue_depth", "queue=default", "state=delayed", value=1)
    names = {key[0] for key in served.samples()}
    assert names >= {
        "stem_worker_info", "stem_worker_inflight", "stem_worker_active", "stem_worker_loop_lag_seconds",
        "stem_worker_lease_age_seconds", "stem_worker_reconnects_total", "stem_worker_events_dropped_total",
        "stem_worker_refused_total",
    }  # fmt: skip


async def test_a_broker_that_came_back_is_counted(served: Served) -> None:
    worker = await served.cluster.worker()
    served.broker.faults.partition()
    await until(lambda: served.broker.faults.calls["announce"] > 3, "heartbeats that fail")
    served.broker.faults.heal()
    await until(lambda: worker.snapshot().reconnects == 1, "the reconnect")
    await served.has("stem_worker_reconnects_total", value=1)


async def test_names_that_the_worker_does_not_know_make_no_figures_of_their_own(served: Served) -> None:
    await served.cluster.worker()
    for number in range(3):
        await served.cluster.ended(await served.cluster.send(f"made-up-{number}"))
    await served.has("stem_tasks_total", "state=failed", "task=(unknown)", value=3)
    assert not any("made-up" in part for key in served.samples() for part in key)


async def test_another_worker_in_the_process_is_not_counted(served: Served) -> None:
    await served.cluster.worker(consumer_name="w2")
    await served.cluster.ended(await served.cluster.send("good"))
    assert not any(name.startswith(("stem_tasks_total", "stem_worker")) for name, *_ in served.samples())


def test_a_port_that_is_taken_is_an_error_that_names_it(served: Served) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"metrics cannot be served at 127.0.0.1:{port}: Address"):
            MetricsEndpoint(served.figures.registry, "127.0.0.1", port)
