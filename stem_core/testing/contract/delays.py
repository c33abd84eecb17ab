"""Jobs that wait for their time do so in the store, by the store's clock."""

from __future__ import annotations

import asyncio

import pytest

from stem_core.delivery import Outcome
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import Store, job, publish, settle, stats, take, take_one, until


async def upkeep_and_take(broker: Broker) -> list[str]:
    await broker.upkeep(["q"])
    found = await take(broker)
    await settle(broker, found)
    return [delivery.id for delivery in found]


async def test_a_delayed_job_is_not_ready_before_its_time(store: Store) -> None:
    broker = store.broker
    (task_id,) = await publish(broker, delay=0.4)
    assert await upkeep_and_take(broker) == []
    figures = await stats(broker)
    assert (figures.ready, figures.delayed, figures.published) == (0, 1, 1)
    await store.pass_time(0.45)
    assert await upkeep_and_take(broker) == [task_id]
    assert (await stats(broker)).delayed == 0


async def test_not_before_is_a_moment_of_the_stores_clock(store: Store) -> None:
    broker = store.broker
    now = await broker.time()
    late = job(not_before=now + 0.4)
    past = job(not_before=now - 100.0)
    await broker.publish([late, past])
    assert await upkeep_and_take(broker) == [past.id]
    await store.pass_time(0.45)
    assert await upkeep_and_take(broker) == [late.id]


async def test_upkeep_tells_when_the_next_job_is_due(store: Store) -> None:
    broker = store.broker
    assert (await broker.upkeep(["q"])).next_due is None
    await publish(broker, delay=1000.0)
    await publish(broker, delay=500.0)
    next_due = (await broker.upkeep(["q"])).next_due
    assert next_due == pytest.approx(500.0, abs=5.0)


async def test_due_jobs_come_in_the_order_of_their_times(store: Store) -> None:
    broker = store.broker
    delays = [0.10, 0.02, 0.06]
    ids = [(await publish(broker, delay=delay))[0] for delay in delays]
    await store.pass_time(0.15)
    assert await upkeep_and_take(broker) == [ids[1], ids[2], ids[0]]


async def test_a_retry_waits_for_its_delay(store: Store) -> None:
    broker = store.broker
    await publish(broker, priority=6)
    first = await take_one(broker)
    await settle(broker, [first], Outcome.RETRY, delay=0.4)
    assert await upkeep_and_take(broker) == []
    assert (await stats(broker)).delayed == 1
    await store.pass_time(0.45)
    await broker.upkeep(["q"])
    second = await take_one(broker)
    assert (second.id, second.body, second.priority) == (first.id, first.body, 6)
    assert (second.attempt, second.deliveries) == (1, 2)


async def test_a_job_that_becomes_due_wakes_a_waiting_worker(store: Store) -> None:
    broker = store.broker
    (task_id,) = await publish(broker, delay=0.05)
    waiting = asyncio.ensure_future(take(await store.another(), wait=10.0))

    async def woken() -> bool:
        await broker.upkeep(["q"])
        return waiting.done()

    await until(woken)
    assert [delivery.id for delivery in await waiting] == [task_id]


async def test_many_due_jobs_are_promoted_without_loss(store: Store) -> None:
    broker, other = store.broker, await store.another()
    ids = await publish(broker, 700, delay=0.01)
    await store.pass_time(0.05)
    found: list[str] = []

    async def all_found() -> bool:
        await asyncio.gather(broker.upkeep(["q"]), other.upkeep(["q"]))
        found.extend(delivery.id for delivery in await take(broker, 1000))
        return len(found) >= 700

    await until(all_found)
    assert sorted(found) == sorted(ids)
