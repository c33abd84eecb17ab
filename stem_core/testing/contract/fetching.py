"""Who gets which job, in which order, and when."""

from __future__ import annotations

import asyncio
from collections import Counter

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import AT_ONCE, DEADLINE, Store, job, publish, settle, take, until


async def test_jobs_come_first_in_first_out(broker: Broker) -> None:
    ids = [(await publish(broker))[0] for _ in range(20)]
    first, second = await take(broker, 7), await take(broker)
    assert [delivery.id for delivery in first + second] == ids


async def test_never_more_than_asked_for(broker: Broker) -> None:
    for queue in ("a", "b", "c"):
        await publish(broker, 10, queue)
    for limit in (1, 2, 3, 5, 7):
        assert len(await take(broker, limit, queues=("a", "b", "c"))) == limit


async def test_all_that_is_asked_for_if_it_is_there(broker: Broker) -> None:
    await publish(broker, 50, "a")
    await publish(broker, 2, "c")
    assert len(await take(broker, 40, queues=("a", "b", "c"))) == 40


async def test_each_job_goes_to_one_of_many_competing_workers(store: Store) -> None:
    ids = await publish(store.broker, 300)
    brokers = [store.broker, await store.another(), await store.another()]

    async def drain(number: int, broker: Broker) -> list[str]:
        found: list[str] = []
        while batch := await take(broker, 7, f"w{number}"):
            found += [delivery.id for delivery in batch]
            await settle(broker, batch)
            await asyncio.sleep(0)
        return found

    shares = await asyncio.gather(*(drain(number, broker) for number, broker in enumerate(brokers)))
    assert Counter(one for share in shares for one in share) == Counter(ids)


async def test_a_busy_queue_does_not_starve_the_others(broker: Broker) -> None:
    await publish(broker, 500, "busy")
    await publish(broker, 5, "quiet")
    seen = Counter[str]()
    for _ in range(10):
        seen.update(delivery.queue for delivery in await take(broker, 4, queues=("busy", "quiet")))
    assert seen == {"quiet": 5, "busy": 35}


async def test_with_one_slot_queues_take_turns(broker: Broker) -> None:
    for queue in ("a", "b", "c"):
        await publish(broker, 10, queue)
    seen = [(await take(broker, 1, queues=("a", "b", "c")))[0].queue for _ in range(9)]
    assert Counter(seen) == {"a": 3, "b": 3, "c": 3}


async def test_higher_priorities_come_first(broker: Broker) -> None:
    await broker.publish([job(priority=priority) for priority in (0, 9, 1, 5)])
    got = [(await take(broker, 1))[0].priority for _ in range(4)]
    assert got == [9, 5, 1, 0]


async def test_lower_priorities_have_a_share_one_by_one_and_in_batches(broker: Broker) -> None:
    for size in (1, 16):
        await broker.publish([job(priority=9) for _ in range(200)] + [job(priority=2) for _ in range(200)])
        got = [delivery for _ in range(160 // size) for delivery in await take(broker, size)]
        share = sum(delivery.priority == 2 for delivery in got) / len(got)
        assert 0.05 <= share <= 0.25
        while batch := await take(broker):
            await settle(broker, batch)


async def test_every_lower_priority_gets_its_turn(broker: Broker) -> None:
    await broker.publish([job(priority=9) for _ in range(400)])
    await broker.publish([job(priority=priority) for priority in (5, 3) for _ in range(3)])
    await broker.publish([job(priority=0) for _ in range(400)])
    got = Counter([(await take(broker, 1))[0].priority for _ in range(200)])
    assert (got[5], got[3]) == (3, 3)
    assert got[0] >= 3


async def test_an_empty_fetch_returns_within_its_wait(broker: Broker) -> None:
    began = SYSTEM_CLOCK.monotonic()
    assert await take(broker, wait=0.1) == []
    assert 0.05 <= SYSTEM_CLOCK.monotonic() - began < DEADLINE / 2


async def test_a_waiting_fetch_wakes_at_once(store: Store) -> None:
    waiting = asyncio.ensure_future(take(await store.another(), wait=DEADLINE))
    await asyncio.sleep(0.05)
    began = SYSTEM_CLOCK.monotonic()
    ids = await publish(store.broker)
    assert [delivery.id for delivery in await waiting] == ids
    assert SYSTEM_CLOCK.monotonic() - began < AT_ONCE


async def test_all_waiting_workers_wake_for_a_large_batch(store: Store) -> None:
    brokers = [await store.another() for _ in range(4)]
    waiting = [
        asyncio.ensure_future(take(broker, 10, f"w{number}", wait=DEADLINE)) for number, broker in enumerate(brokers)
    ]
    await asyncio.sleep(0.05)
    began = SYSTEM_CLOCK.monotonic()
    await publish(store.broker, 40)
    assert [len(found) for found in await asyncio.gather(*waiting)] == [10] * 4
    assert SYSTEM_CLOCK.monotonic() - began < AT_ONCE


async def test_a_fetch_waits_on_all_its_queues(store: Store) -> None:
    broker = await store.another()
    for queue in ("a", "b", "c"):
        waiting = asyncio.ensure_future(take(broker, queues=("a", "b", "c"), wait=DEADLINE))
        await asyncio.sleep(0.02)
        await publish(store.broker, queue=queue)
        assert [delivery.queue for delivery in await waiting] == [queue]


async def test_interrupt_ends_a_waiting_fetch(broker: Broker) -> None:
    waiting = asyncio.ensure_future(take(broker, wait=DEADLINE))
    await asyncio.sleep(0.05)
    broker.interrupt("w1")
    async with asyncio.timeout(AT_ONCE):
        assert await waiting == []


async def test_interrupt_ends_the_next_waiting_too(broker: Broker) -> None:
    broker.interrupt("w1")
    async with asyncio.timeout(AT_ONCE):
        assert await take(broker, wait=DEADLINE) == []


async def test_interrupt_leaves_other_owners_waiting(store: Store) -> None:
    broker = store.broker
    waiting = asyncio.ensure_future(take(broker, owner="w2", wait=DEADLINE))
    await asyncio.sleep(0.05)
    broker.interrupt("w1")
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await publish(broker)
    assert len(await waiting) == 1


async def test_after_an_interrupt_everything_goes_on(broker: Broker) -> None:
    broker.interrupt("w1")
    await take(broker, wait=1.0)
    await publish(broker)
    assert len(await take(broker, wait=1.0)) == 1


async def test_a_fetch_that_is_cancelled_while_it_waits_loses_nothing(store: Store) -> None:
    broker = store.broker
    for _ in range(5):
        waiting = asyncio.ensure_future(take(broker, wait=DEADLINE))
        await asyncio.sleep(0.02)
        published = asyncio.ensure_future(publish(store.broker))
        await asyncio.sleep(0)
        waiting.cancel()
        (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
        await published
        found = outcome if isinstance(outcome, list) else []

        async def arrived(found: list[Delivery] = found) -> bool:
            return bool(found or await take(broker))

        await until(arrived)
