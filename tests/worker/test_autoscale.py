from __future__ import annotations

import asyncio

import pytest

from stem_core.commands import Scale
from stem_core.errors import ConfigurationError, UsageError
from stem_core.events import WorkerScaled
from stem_core.stores.memory import InMemoryBroker
from stem_core.tasks import SimpleTaskRegistry
from stem_core.worker import Worker, WorkerAutoscaleConfig
from stem_core.worker.autoscale import Memory, Reading, decide
from tests.worker.cluster import Cluster, until

CONFIG = WorkerAutoscaleConfig(min_concurrency=1, max_concurrency=4, scale_up_step=2, idle_period=30)


def reading(now: float, slots: int, busy: int, backlog: int) -> Reading:
    return Reading(now=now, slots=slots, busy=busy, backlog=backlog, maximum=4)


def test_it_grows_when_all_slots_are_busy_and_enough_jobs_wait() -> None:
    decision = decide(CONFIG, Memory(), reading(100, 1, 1, 5))
    assert (decision.slots, decision.reason) == (3, "5 jobs wait for 1 busy slots")


@pytest.mark.parametrize(("busy", "backlog"), [(1, 9), (2, 1)], ids=["a slot is free", "too few wait"])
def test_it_does_not_grow_without_need(busy: int, backlog: int) -> None:
    assert decide(CONFIG, Memory(), reading(100, 2, busy, backlog)).slots == 2


def test_it_never_exceeds_its_maximum_and_rests_between_steps() -> None:
    first = decide(CONFIG, Memory(), reading(100, 3, 3, 99))
    assert first.slots == 4
    assert decide(CONFIG, first.memory, reading(200, 4, 4, 99)).slots == 4
    assert decide(CONFIG, Memory(changed_at=99), reading(100, 1, 1, 99)).slots == 1


def test_it_shrinks_step_by_step_after_the_idle_period() -> None:
    first = decide(CONFIG, Memory(), reading(100, 4, 0, 0))
    assert first.slots == 4
    second = decide(CONFIG, first.memory, reading(131, 4, 0, 0))
    assert second.slots == 3
    assert decide(CONFIG, second.memory, reading(132, 3, 0, 0)).slots == 3
    assert decide(CONFIG, second.memory, reading(142, 3, 0, 0)).slots == 2
    assert decide(CONFIG, second.memory, reading(142, 1, 0, 0)).slots == 1


def test_new_work_ends_the_idle_time() -> None:
    idle = decide(CONFIG, Memory(), reading(100, 4, 0, 0))
    busy = decide(CONFIG, idle.memory, reading(110, 4, 4, 0))
    assert decide(CONFIG, busy.memory, reading(131, 4, 0, 0)).slots == 4


def test_it_returns_into_changed_bounds_at_once() -> None:
    decision = decide(CONFIG, Memory(changed_at=100), reading(100, 9, 9, 0))
    assert (decision.slots, decision.reason) == (4, "bounds")


def test_bounds_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="max_concurrency is 1, min_concurrency 2"):
        WorkerAutoscaleConfig(min_concurrency=2, max_concurrency=1)


async def test_a_worker_grows_with_its_backlog_and_says_why(memory: Cluster) -> None:
    go = asyncio.Event()
    memory.task("work", go.wait)
    config = WorkerAutoscaleConfig(
        max_concurrency=3, tick=0.02, scale_up_cooldown=0, scale_down_cooldown=0, idle_period=0.1
    )
    worker = await memory.worker(autoscale=config)
    for _ in range(20):
        await memory.send("work")
    await until(lambda: worker.snapshot().active == 3)
    go.set()
    await until(lambda: worker.snapshot().concurrency == 1)
    (answer,) = await memory.command(Scale(minimum=2, maximum=5))
    assert (answer.payload["after"], answer.payload["min"], answer.payload["max"]) == (2, 2, 5)
    await worker.shutdown()
    scaled = [event for event in await memory.events(WorkerScaled) if isinstance(event, WorkerScaled)]
    assert [event.after for event in scaled][:4] == [2, 3, 2, 1]
    assert "wait for 1 busy slots" in scaled[0].reason


async def test_a_scale_that_is_refused_changes_nothing(memory: Cluster) -> None:
    await memory.worker(autoscale=WorkerAutoscaleConfig(max_concurrency=6))
    (refused,) = await memory.command(Scale(concurrency=6, maximum=5))
    assert (refused.status, refused.error) == (
        "error",
        "concurrency 6 is outside 1 to 5: change minimum and maximum as well",
    )
    (kept,) = await memory.command(Scale(concurrency=6))
    assert (kept.status, kept.payload["after"], kept.payload["max"]) == ("ok", 6, 6)


async def test_what_was_commanded_stands_for_the_cool_downs(memory: Cluster) -> None:
    go = asyncio.Event()
    memory.task("work", go.wait)
    config = WorkerAutoscaleConfig(max_concurrency=8, tick=0.01, scale_up_cooldown=0.5)
    worker = await memory.worker(autoscale=config)
    for _ in range(40):
        await memory.send("work")
    await until(lambda: worker.snapshot().concurrency >= 2)
    await memory.command(Scale(concurrency=5))
    await until(lambda: worker.snapshot().concurrency >= 6)
    go.set()
    await worker.shutdown()
    scaled = [event for event in await memory.events(WorkerScaled) if isinstance(event, WorkerScaled)]
    (commanded,) = (event for event in scaled if event.after == 5 and "command" in event.reason)
    (grown,) = (event for event in scaled if event.after == 6)
    assert grown.at - commanded.at >= 0.5


def test_more_slots_than_a_worker_may_have_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="max_concurrency is 10001: use 1 to 10000"):
        Worker(
            broker=InMemoryBroker(),
            registry=SimpleTaskRegistry(),
            autoscale=WorkerAutoscaleConfig(max_concurrency=10_001),
        )
