"""How a delivery ends: outcome and acknowledgement in one fenced step."""

from __future__ import annotations

import pytest

from stem_core.delivery import Outcome, Settled
from stem_core.results import decode_record, status_of_record
from stem_core.states import TaskState
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import (
    Store,
    conserved,
    let_leases_run_out,
    outcome,
    publish,
    record,
    settle,
    stats,
    take,
    take_one,
)

TERMINAL = [
    (Outcome.SUCCEEDED, TaskState.SUCCEEDED, "succeeded"),
    (Outcome.DEAD, TaskState.FAILED, "failed"),
    (Outcome.REVOKED, TaskState.CANCELLED, "cancelled"),
]


@pytest.mark.parametrize(("kind", "state", "counter"), TERMINAL)
async def test_a_terminal_outcome_stores_its_record_and_empties_the_queue(
    broker: Broker, kind: Outcome, state: TaskState, counter: str
) -> None:
    (task_id,) = await publish(broker)
    assert await settle(broker, await take(broker), kind) == [Settled.COMMITTED]
    (stored,) = await broker.results().get([task_id])
    assert stored is not None
    status = status_of_record(stored)
    assert (status.id, status.state, status.queue) == (task_id, state, "q")
    figures = await stats(broker)
    assert (figures.ready, figures.inflight, figures.delayed, getattr(figures, counter)) == (0, 0, 0, 1)
    assert await broker.locate([task_id]) == [None]


@pytest.mark.parametrize("kind", list(Outcome))
async def test_the_same_settlement_sent_again_changes_nothing(broker: Broker, kind: Outcome) -> None:
    await publish(broker)
    delivery = await take_one(broker)
    delivery.started = True
    assert await settle(broker, [delivery], kind, delay=0.0) == [Settled.COMMITTED]
    before = await stats(broker)
    (again,) = await settle(broker, [delivery], kind, delay=0.0)
    assert again is not Settled.COMMITTED
    if kind is not Outcome.REQUEUE:
        assert again is Settled.GONE
    after = await stats(broker)
    assert after == type(after)(
        **{name: getattr(before, name) for name in before.__struct_fields__} | {"oldest_s": after.oldest_s}
    )


async def test_without_a_record_nothing_is_kept(broker: Broker) -> None:
    (task_id,) = await publish(broker)
    await settle(broker, await take(broker), record=None)
    assert await broker.results().get([task_id]) == [None]
    assert await broker.locate([task_id]) == [None]


async def test_a_retry_keeps_the_bytes_and_counts_the_attempt(broker: Broker) -> None:
    await publish(broker, priority=4)
    first = await take_one(broker)
    assert await settle(broker, [first], Outcome.RETRY) == [Settled.COMMITTED]
    second = await take_one(broker)
    assert (second.id, second.body, second.priority) == (first.id, first.body, 4)
    assert (second.attempt, second.deliveries) == (1, 2)
    assert second.token != first.token
    assert (await stats(broker)).retried == 1


async def test_a_requeue_is_as_if_it_had_not_been_fetched(broker: Broker) -> None:
    first, *others = await publish(broker, 3)
    delivery = (await take(broker, 1))[0]
    assert await settle(broker, [delivery], Outcome.REQUEUE) == [Settled.COMMITTED]
    again = await take(broker)
    assert [one.id for one in again] == [first, *others]
    assert (again[0].attempt, again[0].deliveries, again[0].returns) == (0, 1, 0)


async def test_a_requeue_for_want_of_a_handler_is_counted(broker: Broker) -> None:
    await publish(broker)
    for returns in range(3):
        delivery = await take_one(broker)
        assert (delivery.returns, delivery.deliveries) == (returns, 1)
        await settle(broker, [delivery], Outcome.REQUEUE, unregistered=True)


async def test_jobs_handed_back_together_keep_their_order(broker: Broker) -> None:
    ids = await publish(broker, 30)
    await settle(broker, await take(broker, 20), Outcome.REQUEUE)
    assert [delivery.id for delivery in await take(broker)] == ids


async def test_one_batch_may_mix_outcomes_and_queues_in_any_order(broker: Broker) -> None:
    for queue in ("a", "b"):
        await publish(broker, 5, queue)
        await publish(broker, 5, queue, priority=9)
    deliveries = await take(broker, queues=("a", "b"))
    kinds = list(Outcome) * 4
    outcomes = [outcome(delivery, kind) for delivery, kind in zip(deliveries, kinds, strict=True)]
    assert await broker.settle(outcomes[::-1]) == [Settled.COMMITTED] * 20
    figures = await broker.stats(["a", "b"])
    assert all(conserved(one) and one.inflight == 0 for one in figures)
    assert sum(one.succeeded for one in figures) == 4
    assert sum(one.failed for one in figures) == 4
    assert sum(one.cancelled for one in figures) == 4
    assert sum(one.retried for one in figures) == 4


async def test_a_part_of_what_is_held_can_be_settled(broker: Broker) -> None:
    await publish(broker, 1200)
    held = await take(broker, 1200)
    assert set(await settle(broker, held[::7])) == {Settled.COMMITTED}
    assert (await stats(broker)).inflight == 1200 - len(held[::7])
    assert set(await settle(broker, [one for at, one in enumerate(held) if at % 7])) == {Settled.COMMITTED}
    figures = await stats(broker)
    assert (figures.inflight, figures.succeeded) == (0, 1200)


async def test_who_lost_the_job_changes_nothing(store: Store) -> None:
    broker = store.broker
    (task_id,) = await publish(broker)
    zombie = await take_one(broker, "zombie")
    await let_leases_run_out(store)
    await broker.upkeep(["q"])
    heir = await take_one(await store.another(), "heir")
    for kind in Outcome:
        assert await settle(broker, [zombie], kind) == [Settled.FENCED]
    assert await broker.results().get([task_id]) == [None]
    assert await settle(broker, [heir]) == [Settled.COMMITTED]
    assert await settle(broker, [zombie]) == [Settled.GONE]
    assert (await stats(broker)).succeeded == 1


async def test_another_owner_cannot_settle_with_a_token_it_saw(broker: Broker) -> None:
    await publish(broker)
    delivery = await take_one(broker)
    thief = type(delivery)(id=delivery.id, queue="q", body=delivery.body, owner="thief", token=delivery.token)
    assert await settle(broker, [thief]) == [Settled.FENCED]
    assert await settle(broker, [delivery]) == [Settled.COMMITTED]


async def test_a_batch_with_one_that_is_lost_settles_the_others(store: Store) -> None:
    broker = store.broker
    await publish(broker, 2)
    old = await take(broker)
    await let_leases_run_out(store)
    await broker.upkeep(["q"])
    await publish(broker, 2)
    new = await take(broker, 4, "w2")
    mixed = [old[0], new[0], old[1], *new[1:]]
    settled = await settle(broker, mixed)
    assert [settled[0], settled[2]] != [Settled.COMMITTED, Settled.COMMITTED]
    assert [settled[1], *settled[3:]] == [Settled.COMMITTED] * 4


async def test_results_of_a_queue_decode_with_what_was_returned(broker: Broker) -> None:
    (task_id,) = await publish(broker)
    delivery = await take_one(broker)
    await broker.settle([outcome(delivery, record=record(delivery, result={"n": 1}))])
    (stored,) = await broker.results().get([task_id])
    assert stored is not None
    assert decode_record(stored).result == {"n": 1}


async def test_a_record_vanishes_after_its_time(store: Store) -> None:
    (task_id,) = await publish(store.broker)
    await settle(store.broker, await take(store.broker), record_ttl=0.05)
    await store.pass_time(0.1)
    assert await store.broker.results().get([task_id]) == [None]


async def test_a_job_handed_back_with_a_delay_waits_and_spends_neither_attempt_nor_delivery(store: Store) -> None:
    broker = store.broker
    await publish(broker, priority=4)
    await settle(broker, await take(broker), Outcome.REQUEUE, delay=0.2)
    figures = await stats(broker)
    assert (figures.ready, figures.delayed, figures.retried) == (0, 1, 0)
    assert await take(broker) == []
    await store.pass_time(0.25)
    await broker.upkeep(["q"])
    delivery = await take_one(broker)
    assert (delivery.attempt, delivery.deliveries, delivery.priority) == (0, 1, 4)
    await settle(broker, [delivery])
    assert conserved(await stats(broker))
