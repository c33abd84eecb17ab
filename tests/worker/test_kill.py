"""Worker processes that die, and what becomes of their jobs."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stem_core.states import TaskState
from stem_core.stores import connect_broker
from tests.worker.cluster import Cluster, until
from tests.worker.processes import Processes

pytestmark = pytest.mark.process


@pytest.fixture(
    params=[pytest.param("redis", marks=pytest.mark.redis), pytest.param("postgres", marks=pytest.mark.postgres)]
)
async def world(
    request: pytest.FixtureRequest, namespace: str, tmp_path: Path
) -> AsyncIterator[tuple[Cluster, Processes]]:
    """A cluster on each kind of server with a lease of one second, and worker processes."""
    url = request.getfixturevalue(f"{request.param}_url")
    cluster = Cluster(await connect_broker(url, namespace=namespace, lease=1.0))
    processes = Processes(url, namespace, tmp_path)
    yield cluster, processes
    processes.close()
    await cluster.close()


async def test_a_killed_workers_jobs_are_finished_by_another_none_lost_none_committed_twice(
    world: tuple[Cluster, Processes],
) -> None:
    cluster, processes = world
    first = processes.start("first")
    ids = [await cluster.send("work", {"seconds": 0.05}) for _ in range(60)]
    await until(lambda: len(processes.lines("end", "first")) >= 8)
    first.kill()
    first.wait(10)
    processes.start("second")
    statuses = [await cluster.ended(each, 20) for each in ids]
    assert {status.state for status in statuses} == {TaskState.SUCCEEDED}
    stats = (await cluster.broker.stats(["default"]))[0]
    assert (stats.succeeded, stats.ready, stats.inflight, stats.dead) == (60, 0, 0, 0)
    runs = Counter(processes.lines("start"))
    assert set(runs) == set(ids)
    assert sum(runs.values()) - len(ids) <= 8


async def test_a_job_that_kills_its_workers_is_dead_and_its_neighbours_are_not(
    world: tuple[Cluster, Processes],
) -> None:
    cluster, processes = world
    bad = await cluster.send("poison")
    good = [await cluster.send("work", {"seconds": 0.3}) for _ in range(6)]
    # The first death is not put down to it: its neighbours were held too, and it was not known to have started.
    for number in range(4):
        dying = processes.start(f"w{number}")
        assert await asyncio.wait_for(asyncio.to_thread(dying.wait), 15) == 9
    processes.start("last")
    status = await cluster.ended(bad, 20)
    assert (status.state, status.reason) == (TaskState.FAILED, "poison")
    assert status.error is not None
    assert "3 workers died" in status.error.message
    assert {(await cluster.ended(each, 20)).state for each in good} == {TaskState.SUCCEEDED}


async def test_sigterm_lets_the_running_task_finish_and_the_process_exits_clean(
    world: tuple[Cluster, Processes],
) -> None:
    cluster, processes = world
    process = processes.start("only")
    ids = [await cluster.send("work", {"seconds": 0.4}) for _ in range(6)]
    await until(lambda: len(processes.lines("start")) == 4)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(asyncio.to_thread(process.wait), 10) == 0
    assert sorted(processes.lines("end")) == sorted(ids[:4])
    assert (await cluster.broker.stats(["default"]))[0].ready == 2
    assert await cluster.broker.presences() == []


@pytest.mark.parametrize("signals", [[signal.SIGQUIT], [signal.SIGINT, signal.SIGINT]], ids=["quit", "interrupt-twice"])
async def test_a_hard_signal_ends_the_process_although_a_thread_is_stuck(
    world: tuple[Cluster, Processes], signals: list[signal.Signals]
) -> None:
    cluster, processes = world
    process = processes.start("only")
    await cluster.send("block", {"seconds": 30})
    await until(lambda: processes.lines("start"))
    for each in signals:
        process.send_signal(each)
        await asyncio.sleep(0.1)
    assert await asyncio.wait_for(asyncio.to_thread(process.wait), 10) == 0
    stats = (await cluster.broker.stats(["default"]))[0]
    assert (stats.ready, stats.inflight) == (1, 0)
