"""The clock that tests move by hand."""

from __future__ import annotations

import asyncio

from stem_core.commands import ShutdownMode
from stem_core.envelope import Envelope, new_task_id, seal
from stem_core.service import cancel, spawn
from stem_core.stores.memory import InMemoryBroker
from stem_core.tasks import FunctionTaskHandler, SimpleTaskRegistry
from stem_core.testing import ManualClock
from stem_core.worker import Worker
from tests.worker.cluster import until


async def test_it_stands_still_until_it_is_advanced() -> None:
    clock = ManualClock(1000.0)
    await asyncio.sleep(0.01)
    assert (clock.time(), clock.monotonic()) == (1000.0, 0.0)
    await clock.advance(2.5)
    assert (clock.time(), clock.monotonic()) == (1002.5, 2.5)


async def test_sleepers_wake_in_order_each_at_its_own_moment() -> None:
    clock, woken = ManualClock(), list[tuple[str, float]]()

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.monotonic()))

    tasks = [spawn(sleeper("twice", 1.0, 1.0), "a"), spawn(sleeper("once", 1.5), "b"), spawn(sleeper("late", 9.0), "c")]
    await clock.advance(0)
    assert clock.sleepers == 3
    await clock.advance(3.0)
    assert woken == [("twice", 1.0), ("once", 1.5), ("twice", 2.0)]
    assert (clock.sleepers, clock.monotonic()) == (1, 3.0)
    await cancel(*tasks)
    assert clock.sleepers == 0


async def test_no_time_to_sleep_is_only_a_breath() -> None:
    await asyncio.wait_for(ManualClock().sleep(0), 1)


async def test_a_real_worker_runs_what_was_delayed_once_its_time_has_come(namespace: str) -> None:
    clock, ran = ManualClock(), list[float]()
    broker, registry = InMemoryBroker(namespace, clock), SimpleTaskRegistry()

    async def note() -> None:
        ran.append(clock.monotonic())

    registry.register(FunctionTaskHandler("note", note))
    worker = Worker(broker=broker, registry=registry, clock=clock)
    await worker.start()
    try:
        await broker.publish([seal(Envelope(id=new_task_id(), name="note"), delay=60.0)])
        await clock.advance(59)
        assert (await broker.stats(["default"]))[0].delayed == 1
        await clock.advance(1.5)
        await until(lambda: ran, "the run")
        assert 60.0 <= ran[0] <= 60.5
    finally:
        await worker.shutdown(ShutdownMode.HARD)
