"""What a dead worker is put down to: the job that killed it, and not its neighbours."""

from __future__ import annotations

import asyncio

from stem_core.delivery import Delivery, Outcome
from stem_core.testing.contract.harness import LEASE, Store, let_leases_run_out, publish, settle, take, take_one


async def crash(store: Store) -> list[Delivery]:
    """Let whoever holds jobs die, and fetch them anew."""
    await let_leases_run_out(store)
    await store.broker.upkeep(["q"])
    return await take(store.broker, owner="next")


async def test_a_crash_counts_against_a_job_that_was_held_alone(store: Store) -> None:
    await publish(store.broker)
    await take_one(store.broker, "dead-1")
    (delivery,) = await crash(store)
    assert (delivery.crashes, delivery.crashed) == (1, ("dead-1",))


async def test_a_crash_counts_against_those_that_had_begun_and_spares_their_neighbours(store: Store) -> None:
    ids = await publish(store.broker, 5)
    held = await take(store.broker, owner="dead-1")
    await store.broker.begin(held[1:3])
    again = {delivery.id: delivery for delivery in await crash(store)}
    assert [again[task_id].crashes for task_id in ids] == [0, 1, 1, 0, 0]
    assert again[ids[1]].crashed == ("dead-1",)
    assert again[ids[0]].crashed == ()


async def test_a_crash_spares_what_was_held_together_although_it_was_fetched_at_different_times(store: Store) -> None:
    broker = store.broker
    for _ in range(2):
        await publish(broker)
        await take_one(broker, "dead-1")
        await store.pass_time(LEASE * 0.7)
    for _ in range(2):  # the leases run out one after the other
        await broker.upkeep(["q"])
        await store.pass_time(LEASE * 0.7)
    await broker.upkeep(["q"])
    again = await take(broker, owner="next")
    assert [(delivery.deliveries, delivery.crashes) for delivery in again] == [(2, 0), (2, 0)]


async def test_a_crash_spares_what_was_held_of_several_queues(store: Store) -> None:
    broker, other = store.broker, await store.another()
    for queue in ("a", "b", "c"):
        await publish(broker, 1, queue)
    held = await take(broker, owner="dead-1", queues=("a", "b", "c"))
    await broker.begin([delivery for delivery in held if delivery.queue == "b"])
    await let_leases_run_out(store)
    await broker.upkeep(["b"])
    await other.upkeep(["a"])
    await broker.upkeep(["c", "b"])
    again = {delivery.queue: delivery for delivery in await take(broker, owner="next", queues=("a", "b", "c"))}
    assert [again[queue].crashes for queue in ("a", "b", "c")] == [0, 1, 0]


async def test_a_crash_counts_against_what_was_left_when_its_neighbours_had_ended(store: Store) -> None:
    broker = store.broker
    await publish(broker, 2, "q")
    await publish(broker, 1, "other")
    held = await take(broker, owner="dead-1", queues=("q", "other"))
    await settle(broker, [delivery for delivery in held if delivery is not held[0]])
    await let_leases_run_out(store)
    await broker.upkeep([held[0].queue])
    again = await take_one(broker, "next", held[0].queue)
    assert (again.crashes, again.crashed) == (1, ("dead-1",))


async def test_company_ends_with_the_delivery(store: Store) -> None:
    broker = store.broker
    await publish(broker)
    await take_one(broker, "slow")
    await store.pass_time(LEASE * 0.7)
    await publish(broker)
    later = await take_one(broker, "slow")
    await store.pass_time(LEASE * 0.5)
    await broker.upkeep(["q"])  # takes the first one back
    await settle(broker, [later], Outcome.REQUEUE)
    await settle(broker, await take(broker, 1, "w2"))
    await take_one(broker, "dead-1")
    (delivery,) = await crash(store)
    assert (delivery.crashes, delivery.crashed) == (1, ("dead-1",))


async def test_beginning_can_be_made_known_by_a_renewal(store: Store) -> None:
    await publish(store.broker, 2)
    held = await take(store.broker)
    held[0].started = True
    await asyncio.to_thread(store.broker.renew, held)
    assert [delivery.crashes for delivery in await crash(store)] == [1, 0]


async def test_beginning_is_forgotten_with_the_delivery(store: Store) -> None:
    await publish(store.broker, 2)
    held = await take(store.broker)
    await store.broker.begin(held)
    await settle(store.broker, held, Outcome.REQUEUE)
    await take(store.broker, owner="w2")
    assert [delivery.crashes for delivery in await crash(store)] == [0, 0]


async def test_who_lost_the_job_cannot_begin_it(store: Store) -> None:
    await publish(store.broker, 2)
    old = await take(store.broker)
    assert [delivery.crashes for delivery in await crash(store)] == [0, 0]
    await store.broker.begin(old)
    assert [delivery.crashes for delivery in await crash(store)] == [0, 0]


async def test_crashes_add_up_and_name_every_worker(store: Store) -> None:
    await publish(store.broker)
    for number in range(3):
        delivery = (await take(store.broker, owner=f"host/{number}"))[0]
        assert delivery.crashes == number
        assert delivery.deliveries == number + 1
        await let_leases_run_out(store)
        await store.broker.upkeep(["q"])
    delivery = (await take(store.broker))[0]
    assert delivery.crashed == ("host/0", "host/1", "host/2")


async def test_a_crash_does_not_spend_an_attempt(store: Store) -> None:
    await publish(store.broker)
    await take_one(store.broker)
    (delivery,) = await crash(store)
    assert delivery.attempt == 0


async def test_handing_back_keeps_the_count_of_crashes(store: Store) -> None:
    await publish(store.broker)
    await take_one(store.broker, "dead-1")
    (delivery,) = await crash(store)
    await settle(store.broker, [delivery], Outcome.REQUEUE)
    again = await take_one(store.broker)
    assert (again.crashes, again.crashed) == (1, ("dead-1",))
