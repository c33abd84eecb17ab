"""Worker processes that die, and what becomes of their jobs."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stem_core.events import WorkerStopping
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from tests.conftest import CLUSTER, SERVED
from tests.worker.cluster import Cluster, until
from tests.worker.processes import Processes

pytestmark = pytest.mark.process


@pytest.fixture(params=[*SERVED, CLUSTER])
async def world(
    request: pytest.FixtureRequest, namespace: str, tmp_path: Path
) -> AsyncIterator[tuple[Cluster, Processes]]:
    """A cluster on a store that processes share, with a lease of one second, and worker processes."""
    store_url: str = request.getfixturevalue(request.param)
    cluster = Cluster(await connect_broker(store_url, namespace=namespace, lease=1.0))
    processes = Processes(store_url, namespace, tmp_path)
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
    assert sum(runs.values()) - len(ids) <= 8  # what a worker with four slots holds


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
    ids = [await cluster.send("work", {"seconds": 1.0}) for _ in range(6)]
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
    process.send_signal(signals[0])
    for each in signals[1:]:
        await until(lambda: cluster.events(WorkerStopping))  # of two that wait to be heard, one is
        process.send_signal(each)
    assert await asyncio.wait_for(asyncio.to_thread(process.wait), 10) == 0
    stats = (await cluster.broker.stats(["default"]))[0]
    assert (stats.ready, stats.inflight) == (1, 0)


async def test_workers_killed_at_random_under_load_lose_nothing_and_commit_nothing_twice(
    world: tuple[Cluster, Processes],
) -> None:
    cluster, processes = world
    chance = random.Random(7)
    living = [processes.start(f"w{number}") for number in range(3)]
    ids: list[str] = []
    for round_ in range(6):
        seen = len(processes.lines("end"))
        ids += [await cluster.send("work", {"seconds": 0.02}) for _ in range(60)]
        await until(lambda seen=seen: len(processes.lines("end")) >= seen + 15)  # type: ignore[misc]  # bound now
        victim = living.pop(chance.randrange(len(living)))
        victim.kill()
        victim.wait(10)
        living.append(processes.start(f"again{round_}"))
    assert {(await cluster.ended(each, 30)).state for each in ids} == {TaskState.SUCCEEDED}
    (stats,) = await cluster.broker.stats(["default"])
    assert (stats.published, stats.succeeded, stats.dead) == (360, 360, 0)
    assert (stats.ready, stats.inflight, stats.delayed) == (0, 0, 0)


async def test_a_worker_that_slept_past_its_lease_changes_nothing_when_it_wakes(
    world: tuple[Cluster, Processes],
) -> None:
    cluster, processes = world
    zombie = processes.start("zombie")
    ids = [await cluster.send("work", {"seconds": 1.2}) for _ in range(4)]
    await until(lambda: len(processes.lines("start", "zombie")) == 4)
    processes.freeze(zombie)
    processes.start("heir")
    await until(lambda: len(processes.lines("start", "heir")) == 4, within=20)
    zombie.send_signal(signal.SIGCONT)
    assert [(await cluster.ended(each, 20)).worker for each in ids] == ["heir"] * 4
    zombie.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(asyncio.to_thread(zombie.wait), 10) == 0
    (stats,) = await cluster.broker.stats(["default"])
    assert (stats.succeeded, stats.failed, stats.retried, stats.ready, stats.inflight) == (4, 0, 0, 0, 0)


@pytest.mark.parametrize("skew", [3600.0, -3600.0], ids=["an-hour-ahead", "an-hour-behind"])
async def test_delayed_jobs_run_on_time_and_never_early_whatever_the_workers_clock_says(
    world: tuple[Cluster, Processes], skew: float
) -> None:
    cluster, processes = world
    processes.start("w", skew)
    await until(cluster.broker.presences)
    due: dict[str, float] = {}
    for number in range(40):
        delay = 0.3 + number * 0.05
        sent = time.time()
        due[await cluster.send("work", {"seconds": 0.0}, delay=delay)] = sent + delay
    await until(lambda: len(processes.lines("start")) == 40, within=20)
    late = sorted(float(row[3]) - due[row[1]] for row in processes.rows("start"))
    assert late[0] >= 0.0
    assert late[len(late) // 2] < 2.0
