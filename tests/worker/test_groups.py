"""Groups: jobs side by side, their results in order, and the callback that gets them."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stem_core import RESULT, Job, Stem, TaskState
from stem_core.client import EnqueuedGroup
from stem_core.errors import UsageError, WaitTimeoutError
from stem_core.stores import connect_broker
from tests.conftest import SERVED
from tests.worker.cluster import Cluster, until
from tests.worker.processes import ROOT, Processes

runs: list[str] = []


@pytest.fixture
def stem(cluster: Cluster) -> Stem:
    return with_tasks(cluster)


@pytest.fixture
def in_memory(memory: Cluster) -> Stem:
    return with_tasks(memory)


def with_tasks(cluster: Cluster) -> Stem:
    runs.clear()

    async def member(number: int, seconds: float = 0.0) -> int:
        await asyncio.sleep(seconds)
        return number

    def collect(results: object) -> object:
        runs.append("collect")
        return results

    def told(error: object) -> object:
        runs.append("told")
        return error

    cluster.task("member", member)
    cluster.task("collect", collect)
    cluster.task("told", told)
    return Stem(broker=cluster.broker, registry=cluster.registry)


def members(number: int, **options: Any) -> list[Job]:
    return [Job("member", {"number": each}, **options) for each in range(number)]


async def produced(url: str, namespace: str, number: int, seconds: float = 0.0) -> EnqueuedGroup:
    """Let a process of its own send a group; it has exited when this returns."""
    command = [sys.executable, "-m", "tests.worker.producer", url, namespace, str(number), str(seconds)]
    run = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=60)
    return msgspec.json.decode(run.stdout, type=EnqueuedGroup)


@pytest.mark.process
@pytest.mark.parametrize("store", SERVED)
async def test_a_chord_of_a_thousand_is_finished_by_the_workers_when_its_producer_has_exited(
    store: str, request: pytest.FixtureRequest, namespace: str
) -> None:
    url = request.getfixturevalue(store)
    group = await produced(url, namespace, 1000)
    assert len(group.members) == 1000
    assert group.callback is not None
    cluster = Cluster(await connect_broker(url, namespace=namespace))
    with_tasks(cluster)
    await cluster.worker(concurrency=8)
    await cluster.worker(concurrency=8)
    ended = await cluster.ended(group.callback, 60)
    assert ended.result == list(range(1000))
    await until(lambda: all_settled(cluster, 1001))
    assert runs == ["collect"]
    await cluster.close()


async def all_settled(cluster: Cluster, number: int) -> bool:
    stats = (await cluster.broker.stats(["default"]))[0]
    return (stats.published, stats.succeeded, stats.ready, stats.inflight, stats.delayed) == (number, number, 0, 0, 0)


@pytest.fixture
async def world(store_url: str, namespace: str, tmp_path: Path) -> AsyncIterator[tuple[Cluster, Processes]]:
    """A cluster on a store that processes share, with a lease of one second, and worker processes."""
    cluster = Cluster(await connect_broker(store_url, namespace=namespace, lease=1.0))
    processes = Processes(store_url, namespace, tmp_path)
    yield cluster, processes
    processes.close()
    await cluster.close()


@pytest.mark.process
async def test_workers_that_are_killed_at_random_cost_a_chord_neither_results_nor_a_second_callback(
    world: tuple[Cluster, Processes], store_url: str, namespace: str
) -> None:
    cluster, processes = world
    group = await produced(store_url, namespace, 200, 0.05)
    assert group.callback is not None
    living = [processes.start(f"w{number}") for number in range(3)]
    for number in range(3, 6):
        await until(lambda done=30 * (number - 2): len(processes.lines("end")) >= done, within=20)
        victim = living.pop(random.randrange(len(living)))
        victim.kill()
        victim.wait(10)
        living.append(processes.start(f"w{number}"))
    assert (await cluster.ended(group.callback, 40)).result == list(range(200))
    await until(lambda: all_settled(cluster, 201))
    assert processes.lines("collect") == [group.callback]


async def test_results_are_in_order_however_the_members_ended(cluster: Cluster, stem: Stem) -> None:
    await cluster.worker(concurrency=8)
    jobs = [Job("member", {"number": each, "seconds": 0.02 * (5 - each)}) for each in range(6)]
    group = await stem.enqueue_group(jobs)
    assert group.callback is None
    assert await stem.wait_for_group(group.id, 10) == list(range(6))
    assert await stem.group_results(group.id) == list(range(6))


async def test_a_group_is_open_until_the_last_member_has_succeeded(cluster: Cluster, stem: Stem) -> None:
    group = await stem.enqueue_group([*members(2), Job("member", {"number": 2}, queue="nobody")])
    await cluster.worker()
    await cluster.ended(group.members[0])
    await cluster.ended(group.members[1])
    assert await stem.group_results(group.id) is None
    with pytest.raises(WaitTimeoutError, match="not complete") as caught:
        await stem.wait_for_group(group.id, 0.1)
    assert caught.value.hint == "1 of 3 have not succeeded yet"


async def test_a_failure_is_told_once_and_its_replay_completes_the_group(cluster: Cluster, stem: Stem) -> None:
    healthy = False

    def shaky(number: int) -> int:
        if not healthy:
            raise ValueError("not yet")
        return number

    cluster.task("shaky", shaky)
    await cluster.worker()
    jobs = [*members(3), Job("shaky", {"number": 3}), Job("shaky", {"number": 4})]
    group = await stem.enqueue_group(
        jobs, callback=Job("collect", {"results": RESULT}), on_error=Job("told", {"error": RESULT})
    )
    assert group.on_error is not None
    assert group.callback is not None
    assert (await cluster.ended(group.on_error)).result == {"type": "ValueError", "message": "not yet"}
    for each in group.members:
        await cluster.ended(each)
    assert await cluster.broker.locate([group.callback]) == [None]
    healthy = True
    assert await cluster.broker.replay("default", group.members[3:]) == 2
    assert (await cluster.ended(group.callback)).result == [0, 1, 2, 3, 4]
    assert sorted(runs) == ["collect", "told"]


async def test_a_callback_can_go_on_with_a_chain_and_members_can_have_links(cluster: Cluster, stem: Stem) -> None:
    await cluster.worker()
    told = Job("told", {"error": RESULT}, task_id="after")
    linked = Job("collect", {"results": RESULT}, task_id="linked")
    jobs = members(1, link=[linked]) + members(1)
    await stem.enqueue_group(jobs, callback=Job("collect", {"results": RESULT}, link=told))
    assert (await cluster.ended("after")).result == [0, 0]
    assert (await cluster.ended("linked")).result == 0


async def test_members_that_keep_no_result_count_and_a_callback_may_not_ask_for_it(
    cluster: Cluster, stem: Stem
) -> None:
    await cluster.worker()
    silent = members(2, ignore_result=True)
    with pytest.raises(UsageError, match="keeps none"):
        await stem.enqueue_group(silent, callback=Job("collect", {"results": RESULT}))
    group = await stem.enqueue_group(silent, callback=Job("collect", {"results": "none"}))
    assert group.callback is not None
    assert (await cluster.ended(group.callback)).result == "none"
    assert await stem.group_results(group.id) == [None, None]


async def test_a_group_that_has_run_out_ends_its_members_and_says_so(cluster: Cluster, stem: Stem) -> None:
    group = await stem.enqueue_group(members(2), callback=Job("collect", {"results": RESULT}), ttl=0.05)

    async def is_gone() -> bool:
        return await cluster.broker.group(group.id) is None

    await until(is_gone)
    await cluster.worker()
    for each in group.members:
        assert (await cluster.ended(each)).state is TaskState.SUCCEEDED
    with pytest.raises(UsageError, match="no group"):
        await stem.wait_for_group(group.id)
    assert runs == []


async def test_what_cannot_be_a_group_is_refused_and_nothing_is_sent(memory: Cluster, in_memory: Stem) -> None:
    memory.task("once", lambda: None, unique=True)
    wrong: list[tuple[list[Job], dict[str, Any], str]] = [
        ([], {}, "no members"),
        ([Job("once")], {}, "unique"),
        (members(1, broadcast="c"), {}, "broadcast"),
        (members(2, task_id="same"), {}, "same task_id"),
        (members(1), {"ttl": 0}, "ttl"),
        (members(1), {"callback": Job("collect", {"wrong": RESULT})}, "collect"),
        (members(1), {"callback": "collect"}, "callback"),
        (members(1), {"on_error": "told"}, "on_error"),
        ([Job("member", {"number": RESULT})], {}, "follows nothing"),
    ]
    for jobs, options, says in wrong:
        with pytest.raises(UsageError, match=says):
            await in_memory.enqueue_group(jobs, **options)
    assert await memory.broker.queues() == []


async def test_a_member_that_runs_twice_counts_once_and_its_first_result_stands(
    memory: Cluster, in_memory: Stem
) -> None:
    group = await in_memory.enqueue_group(members(2), callback=Job("collect", {"results": RESULT}))
    await memory.broker.add_to_group(group.id, 0, b'"first"')
    await memory.worker()
    assert group.callback is not None
    assert (await memory.ended(group.callback)).result == ["first", 1]
