"""Schedulers that are killed and restarted at random, and whether each tick is there exactly once.

`STEM_TEST_SCHEDULE_SECONDS=60` does so for a minute.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from stem_core.schedule.book import ScheduleBook
from stem_core.stores import connect_backend, connect_broker
from stem_core.stores.port import ResultBackend
from stem_core.tasks import TaskContext
from tests.worker.cluster import Cluster, until

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("STEM_TEST_SCHEDULE_SECONDS", "8"))
ENTRIES = 8
STEP = 200


class Schedulers:
    """Scheduler processes on one namespace."""

    def __init__(self, url: str, results: str, namespace: str) -> None:
        self._command = [sys.executable, "-m", "tests.schedule.process", url, results, namespace, str(ENTRIES)]
        self.living: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self.living.append(subprocess.Popen(self._command, cwd=ROOT))

    def take(self, chance: random.Random) -> subprocess.Popen[bytes]:
        return self.living.pop(chance.randrange(len(self.living)))

    def close(self) -> None:
        for process in self.living:
            process.kill()
            process.wait(10)


@pytest.fixture(params=["one-store", "results-elsewhere"])
def schedulers(
    request: pytest.FixtureRequest, store_url: str, namespace: str, tmp_path: Path
) -> Iterator[tuple[Schedulers, str]]:
    """Schedulers with results in the broker's store or in another one, and that one's URL."""
    results = store_url if request.param == "one-store" else f"sqlite://{tmp_path}/results.db"
    processes = Schedulers(store_url, results, namespace)
    yield processes, results
    processes.close()


async def disturb(processes: Schedulers, seconds: float, chance: random.Random) -> int:
    """Kill, or freeze for a while, one scheduler after the other; returns how many."""
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(0.1, 0.8))
        victim = processes.take(chance)
        number += 1
        if chance.random() < 0.3:
            victim.send_signal(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            victim.send_signal(signal.SIGCONT)
            processes.living.append(victim)
        else:
            victim.kill()
            victim.wait(10)
            processes.start()
    return number


@pytest.mark.timeout(60 + 2 * SECONDS)
async def test_three_schedulers_killed_and_restarted_at_random_send_each_tick_exactly_once(
    schedulers: tuple[Schedulers, str], store_url: str, namespace: str
) -> None:
    processes, results = schedulers
    backend = await connect_backend(results, namespace=namespace)
    cluster = Cluster(await connect_broker(store_url, namespace=namespace))
    try:
        await each_tick_once(processes, cluster, backend)
    finally:
        await cluster.close()
        await backend.close()


async def each_tick_once(processes: Schedulers, cluster: Cluster, backend: ResultBackend) -> None:
    ran: Counter[tuple[object, object]] = Counter()

    def tick(context: TaskContext, entry: int) -> None:
        ran[entry, context.meta["stem.scheduledFor"]] += 1

    cluster.task("tick", tick)
    await cluster.worker(concurrency=4, backend=backend)
    for _ in range(3):
        processes.start()
    await until(lambda: len({entry for entry, _ in ran}) == ENTRIES, within=20)
    assert await disturb(processes, SECONDS, random.Random()) > 3
    settled_at = time.time()

    def caught_up() -> bool:
        return all(max(at for entry, at in list(ran) if entry == number) > settled_at for number in range(ENTRIES))  # type: ignore[type-var]  # numbers

    await until(caught_up, "the last ticks", within=20)
    items, _ = await ScheduleBook(cluster.broker).load()
    assert {each: times for each, times in ran.items() if times != 1} == {}
    for number in range(ENTRIES):
        ticks = sorted(round(float(str(at)) * 1000) for entry, at in ran if entry == number)
        assert [late - early for early, late in pairwise(ticks) if late - early != STEP] == []
        assert len(ticks) >= SECONDS * 1000 / STEP
    assert {item.progress.failures for item in items} == {0}


async def test_a_scheduler_ends_at_a_terminate_signal_and_the_process_exits_clean(
    schedulers: tuple[Schedulers, str], store_url: str, namespace: str
) -> None:
    processes, _ = schedulers
    broker = await connect_broker(store_url, namespace=namespace)
    processes.start()

    async def begun() -> bool:
        items, _ = await ScheduleBook(broker).load()
        return bool(items) and all(item.progress.runs for item in items)

    await until(begun, within=20)
    processes.living[0].send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(asyncio.to_thread(processes.living[0].wait), 10) == 0
    items, _ = await ScheduleBook(broker).load()
    assert [item.progress.claim for item in items] == [None] * ENTRIES
    await broker.close()
