"""One of the workers of the same queues makes due jobs ready and takes orphans back for all, and is soon replaced."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stem_core.commands import ShutdownMode
from stem_core.routing import RoutingSubscription
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from stem_core.testing import FaultyBroker
from stem_core.worker.election import LOOK_EVERY, TERM
from stem_core.worker.upkeep import MOST, office_of
from tests.conftest import CLUSTER, SERVED
from tests.worker.cluster import Cluster, until
from tests.worker.processes import Processes

BUSY = 1.5
"""Seconds that a busy machine may add."""

OFFICE = office_of(["default"])


@pytest.fixture
async def faulty(namespace: str) -> AsyncIterator[Cluster]:
    """A cluster on a broker that counts calls and fails when told to."""
    cluster = Cluster(FaultyBroker(InMemoryBroker(namespace, lease=1.0)))
    cluster.task("now", now)
    yield cluster
    await cluster.close()


def now() -> float:
    return time.time()


def rounds(cluster: Cluster) -> int:
    assert isinstance(cluster.broker, FaultyBroker)
    return cluster.broker.faults.calls["upkeep"]


async def is_elected(cluster: Cluster, office: str = OFFICE) -> str | None:
    return await cluster.broker.lock_owner(office)


async def test_however_many_idle_workers_there_are_one_does_the_rounds(faulty: Cluster) -> None:
    for _ in range(12):
        await faulty.worker()
    await until(lambda: is_elected(faulty))
    began, before = time.monotonic(), rounds(faulty)
    await until(lambda: rounds(faulty) >= before + 12)
    assert time.monotonic() - began > 12 * MOST * 0.75 * 0.8  # twelve who did so would take a twelfth of that


async def test_workers_of_other_queues_have_their_own(faulty: Cluster) -> None:
    for queues in (["default"], ["other"], ["default", "other"], ["other", "default"]):
        await faulty.worker(subscription=RoutingSubscription(queues=queues))
    offices = [office_of(queues) for queues in (["default"], ["other"], ["other", "default"])]
    for office in offices:
        await until(lambda office=office: is_elected(faulty, office))  # type: ignore[misc]  # bound now
    owners = [await is_elected(faulty, office) for office in offices]
    assert len(set(owners)) == 3
    sent = [await faulty.send("now", queue=queue, delay=0.05) for queue in ("default", "other")]
    assert {(await faulty.ended(each)).state for each in sent} == {TaskState.SUCCEEDED}


async def test_who_is_shut_down_is_followed_at_once(cluster: Cluster) -> None:
    cluster.task("now", now)
    for _ in range(3):
        await cluster.worker()
    first = await until(lambda: is_elected(cluster))
    leaving = next(worker for worker in cluster.workers if first.startswith(worker.id))
    await leaving.shutdown(ShutdownMode.WARM)
    assert await is_elected(cluster) != first
    due = time.time() + 0.1
    status = await cluster.ended(await cluster.send("now", delay=0.1))
    assert status.result < due + LOOK_EVERY + MOST + BUSY


async def test_where_the_lock_cannot_be_asked_for_rounds_are_done_all_the_same(faulty: Cluster) -> None:
    assert isinstance(faulty.broker, FaultyBroker)
    for call in ("lock", "lock_owner", "relock"):
        faulty.broker.faults.fail(call, times=1000)
    for _ in range(2):
        await faulty.worker()
    assert (await faulty.ended(await faulty.send("now", delay=0.05))).state is TaskState.SUCCEEDED


@pytest.mark.process
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@pytest.mark.parametrize("store_url", [*SERVED, CLUSTER])
async def test_who_dies_or_freezes_is_followed_and_delayed_jobs_are_hardly_late(
    end: signal.Signals, store_url: str, request: pytest.FixtureRequest, namespace: str, tmp_path: Path
) -> None:
    url: str = request.getfixturevalue(store_url)
    cluster = Cluster(await connect_broker(url, namespace=namespace, lease=1.0))
    processes = Processes(url, namespace, tmp_path)
    try:
        started = {f"w{number}": processes.start(f"w{number}") for number in range(3)}
        await until(lambda: presences(cluster, 3))
        owner = await until(lambda: is_elected(cluster))
        dues: dict[str, float] = {}
        for number in range(40):
            delay = 0.3 + number * 0.05
            due = time.time() + delay
            dues[await cluster.send("work", {"seconds": 0.0}, delay=delay)] = due
        fallen = started[owner.split("/")[0]]
        if end is signal.SIGKILL:
            fallen.kill()
        else:
            processes.freeze(fallen)
        for each in dues:
            assert (await cluster.ended(each, 20)).state is TaskState.SUCCEEDED
        assert await is_elected(cluster) != owner
        late = [float(row[3]) - dues[row[1]] for row in processes.rows("start")]
        assert min(late) > -0.05
        # What a worker held as it fell waits for its lease; all else for another to be elected.
        assert sorted(late)[len(late) // 2] < TERM + LOOK_EVERY
        assert sum(one > TERM + LOOK_EVERY + BUSY for one in late) <= 8
        assert max(late) < 1.0 + TERM + LOOK_EVERY + 2 * BUSY
    finally:
        processes.close()
        await cluster.close()


async def presences(cluster: Cluster, number: int) -> bool:
    return len(await cluster.broker.presences()) == number
