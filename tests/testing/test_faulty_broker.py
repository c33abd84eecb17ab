"""Breaking the broker on purpose, under the real worker and the real producer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from stem_core import Stem
from stem_core.errors import BrokerFullError, BrokerUnavailableError, UsageError
from stem_core.service import cancel, spawn
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.port import Broker, ResultBackend
from stem_core.testing import FaultyBroker, ManualClock
from stem_core.testing.faulty_broker import FaultyBackend
from tests.worker.cluster import Cluster, until


@pytest.fixture
def faulty(namespace: str) -> FaultyBroker:
    return FaultyBroker(InMemoryBroker(namespace, lease=1.0))


@pytest.fixture
async def cluster(faulty: FaultyBroker) -> AsyncIterator[Cluster]:
    cluster = Cluster(faulty)
    runs: list[int] = []

    async def add(a: int) -> int:
        runs.append(a)
        return len(runs)

    cluster.task("add", add)
    yield cluster
    faulty.faults.heal()
    await cluster.close()


@pytest.mark.parametrize(("wrapper", "port"), [(FaultyBroker, Broker), (FaultyBackend, ResultBackend)])
def test_it_has_all_of_the_port(wrapper: type, port: type) -> None:
    assert {name for name in dir(port) if not name.startswith("_")} - set(dir(wrapper)) == set()


async def test_calls_fail_as_often_as_ordered_and_then_work_again(faulty: FaultyBroker) -> None:
    faulty.faults.fail("ping", times=2)
    for _ in range(2):
        with pytest.raises(BrokerUnavailableError, match="ping did not reach"):
            await faulty.ping()
    await faulty.ping()
    assert faulty.faults.calls["ping"] == 3


async def test_a_method_that_does_not_exist_is_an_error(faulty: FaultyBroker) -> None:
    with pytest.raises(UsageError, match="no method 'setle'"):
        faulty.faults.fail("setle")


async def test_an_outcome_is_stored_once_however_often_its_reply_is_lost(
    faulty: FaultyBroker, cluster: Cluster
) -> None:
    worker = await cluster.worker()
    faulty.faults.lose_reply("settle", times=2)
    status = await cluster.ended(await cluster.send("add", {"a": 1}))
    await until(lambda: worker.snapshot().succeeded == 1, "the count")
    assert (status.state, status.result) == (TaskState.SUCCEEDED, 1)
    assert faulty.faults.calls["settle"] == 3


async def test_a_producer_hears_that_the_broker_is_full(faulty: FaultyBroker, cluster: Cluster) -> None:
    faulty.faults.fail("publish", error=BrokerFullError("no room"))
    stem = Stem(broker=faulty, registry=cluster.registry)
    with pytest.raises(BrokerFullError):
        await stem.enqueue("add", {"a": 1})
    assert await faulty.queues() == []


async def test_a_worker_goes_on_after_a_partition(faulty: FaultyBroker, cluster: Cluster) -> None:
    worker = await cluster.worker()
    await cluster.ended(await cluster.send("add", {"a": 1}))
    faulty.faults.partition()
    with pytest.raises(BrokerUnavailableError, match="cut it off"):
        await faulty.time()
    await asyncio.sleep(0)
    faulty.faults.heal()
    assert (await cluster.ended(await cluster.send("add", {"a": 2}))).result == 2
    assert worker.snapshot().state == "running"


async def test_a_delay_waits_for_the_clock_that_was_handed_in(namespace: str) -> None:
    clock = ManualClock()
    faulty = FaultyBroker(InMemoryBroker(namespace, clock), clock)
    faulty.faults.delay("ping", 5.0)
    ping = spawn(faulty.ping(), "ping")
    await clock.advance(4.9)
    assert not ping.done()
    await clock.advance(0.1)
    assert ping.done()
    await cancel(ping)


async def test_results_share_the_script(faulty: FaultyBroker) -> None:
    faulty.faults.fail("get")
    with pytest.raises(BrokerUnavailableError):
        await faulty.results().get(["x"])
    assert await faulty.results().get(["x"]) == [None]
