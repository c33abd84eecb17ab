"""A job belongs to a worker that lives, and to another one soon after it died."""

from __future__ import annotations

import asyncio

from stem_core.delivery import Outcome, Settled, Upkeep
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import (
    AT_ONCE,
    LEASE,
    Store,
    let_leases_run_out,
    publish,
    settle,
    stats,
    take,
    take_one,
)


async def test_every_broker_knows_the_lease_of_its_namespace(store: Store) -> None:
    assert await store.broker.lease() == LEASE
    assert await (await store.another()).lease() == LEASE


async def test_nothing_is_reclaimed_while_leases_hold(broker: Broker) -> None:
    await publish(broker, 3)
    await take(broker)
    assert (await broker.upkeep(["q"])).reclaimed == 0


async def test_a_silent_workers_jobs_go_to_another(store: Store) -> None:
    broker = store.broker
    ids = await publish(broker, 3)
    await take(broker, owner="silent")
    await let_leases_run_out(store)
    assert (await (await store.another()).upkeep(["q"])).reclaimed == 3
    again = await take(broker, owner="w2")
    assert [delivery.id for delivery in again] == ids
    assert [delivery.deliveries for delivery in again] == [2, 2, 2]
    assert [delivery.attempt for delivery in again] == [0, 0, 0]


async def test_reclaimed_jobs_come_before_newer_ones(store: Store) -> None:
    broker = store.broker
    old = await publish(broker, 2)
    await take(broker, owner="silent")
    new = await publish(broker, 2)
    await let_leases_run_out(store)
    await broker.upkeep(["q"])
    assert [delivery.id for delivery in await take(broker)] == [*old, *new]


async def test_reclaiming_wakes_a_waiting_worker(store: Store) -> None:
    broker = store.broker
    await publish(broker)
    await take(broker, owner="silent")
    await let_leases_run_out(store)
    waiting = asyncio.ensure_future(take(await store.another(), wait=10.0))
    await asyncio.sleep(0.02)
    await broker.upkeep(["q"])
    async with asyncio.timeout(AT_ONCE):
        assert len(await waiting) == 1


async def test_renewing_keeps_a_job_for_many_leases(store: Store) -> None:
    broker = store.broker
    await publish(broker, 2)
    kept, lost = await take(broker)
    for _ in range(3):
        await store.pass_time(LEASE * 0.6)
        assert await asyncio.to_thread(broker.renew, [kept]) == [True]
        await broker.upkeep(["q"])
    assert await settle(broker, [kept]) == [Settled.COMMITTED]
    assert await settle(broker, [lost]) == [Settled.FENCED]


async def test_renewing_tells_which_are_lost_and_takes_nothing_back(store: Store) -> None:
    broker = store.broker
    await publish(broker, 3)
    held = await take(broker, owner="zombie")
    await settle(broker, held[:1])
    await let_leases_run_out(store)
    assert await asyncio.to_thread(broker.renew, held[1:2]) == [True]
    await broker.upkeep(["q"])
    (moved,) = await take(broker, owner="heir")
    assert await asyncio.to_thread(broker.renew, held) == [False, True, False]
    assert await settle(broker, [moved]) == [Settled.COMMITTED]


async def test_renewing_nothing_is_nothing(broker: Broker) -> None:
    assert await asyncio.to_thread(broker.renew, []) == []


async def test_one_renewal_may_span_queues(broker: Broker) -> None:
    for queue in ("a", "b", "c"):
        await publish(broker, 3, queue)
    held = await take(broker, queues=("a", "b", "c"))
    assert await asyncio.to_thread(broker.renew, held[::-1]) == [True] * 9


async def test_a_hold_delays_the_reclaim_beyond_the_lease(store: Store) -> None:
    broker = store.broker
    await publish(broker)
    delivery = await take_one(broker)
    delivery.hold = LEASE * 3
    await asyncio.to_thread(broker.renew, [delivery])
    await store.pass_time(LEASE * 1.5)
    assert (await broker.upkeep(["q"])).reclaimed == 0
    await store.pass_time(LEASE * 2)
    assert (await broker.upkeep(["q"])).reclaimed == 1


async def test_a_hold_shorter_than_the_lease_changes_nothing(store: Store) -> None:
    broker = store.broker
    await publish(broker)
    delivery = await take_one(broker)
    delivery.hold = LEASE / 10
    await asyncio.to_thread(broker.renew, [delivery])
    await store.pass_time(LEASE / 3)
    assert (await broker.upkeep(["q"])).reclaimed == 0
    await let_leases_run_out(store)
    assert (await broker.upkeep(["q"])).reclaimed == 1


async def test_a_hold_ends_with_the_delivery(store: Store) -> None:
    broker = store.broker
    await publish(broker)
    delivery = await take_one(broker)
    delivery.hold = 1000.0
    await asyncio.to_thread(broker.renew, [delivery])
    await settle(broker, [delivery], Outcome.REQUEUE)
    await take_one(broker, "w2")
    await let_leases_run_out(store)
    assert (await broker.upkeep(["q"])).reclaimed == 1


async def test_two_who_reclaim_at_once_reclaim_each_job_once(store: Store) -> None:
    broker, other = store.broker, await store.another()
    await publish(broker, 50)
    await take(broker)
    await let_leases_run_out(store)
    rounds = await asyncio.gather(*(one.upkeep(["q"]) for one in (broker, other, broker, other)))
    assert sum(one.reclaimed for one in rounds) == 50
    assert (await stats(broker)).ready == 50


async def test_upkeep_of_an_unknown_queue_does_nothing(broker: Broker) -> None:
    assert await broker.upkeep(["never"]) == Upkeep()
