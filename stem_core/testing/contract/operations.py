"""What operators do to queues: pause, resume, revoke, locate."""

from __future__ import annotations

import asyncio

import msgspec

from stem_core.delivery import Outcome, Pause, Revocation
from stem_core.results import TaskRecord, encode_record, status_of_record
from stem_core.states import TaskState
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import (
    AT_ONCE,
    Store,
    conserved,
    job,
    let_leases_run_out,
    publish,
    settle,
    stats,
    take,
    take_one,
)

NULL_RECORD = encode_record(TaskRecord(state=TaskState.CANCELLED, reason="no more", envelope=msgspec.Raw(b"null")))


async def revoke(broker: Broker, *ids: str, seconds: float = 100.0, terminate: bool = False) -> list[str]:
    until = await broker.time() + seconds
    orders = [Revocation(id=task_id, by="ann", reason="no more", until=until, terminate=terminate) for task_id in ids]
    return await broker.revoke(orders, dict.fromkeys(ids, NULL_RECORD))


async def test_a_paused_queue_gives_nothing(broker: Broker) -> None:
    await publish(broker)
    await broker.pause(["q"], Pause(by="ann", reason="deploy"))
    assert await take(broker) == []
    assert (await stats(broker)).ready == 1


async def test_a_pause_is_seen_by_all_with_who_why_and_since(store: Store) -> None:
    now = await store.broker.time()
    await store.broker.pause(["q"], Pause(by="ann", reason="deploy", until=now + 100))
    paused = (await stats(await store.another())).paused
    assert paused is not None
    assert (paused.by, paused.reason, paused.until) == ("ann", "deploy", now + 100)
    assert abs(paused.since - now) < 5.0


async def test_pausing_one_queue_leaves_the_others(broker: Broker) -> None:
    await publish(broker, queue="a")
    await publish(broker, queue="b")
    await broker.pause(["a"], Pause())
    assert [delivery.queue for delivery in await take(broker, queues=("a", "b"))] == ["b"]


async def test_resuming_wakes_a_waiting_worker(store: Store) -> None:
    await store.broker.pause(["q"], Pause())
    await publish(store.broker)
    waiting = asyncio.ensure_future(take(await store.another(), wait=10.0))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await store.broker.resume(["q"])
    async with asyncio.timeout(AT_ONCE):
        assert len(await waiting) == 1
    assert (await stats(store.broker)).paused is None


async def test_a_pause_ends_by_itself(store: Store) -> None:
    await publish(store.broker)
    await store.broker.pause(["q"], Pause(until=await store.broker.time() + 0.3))
    assert await take(store.broker) == []
    await store.pass_time(0.35)
    assert (await stats(store.broker)).paused is None
    assert len(await take(store.broker)) == 1


async def test_what_is_held_when_a_pause_comes_can_be_finished(broker: Broker) -> None:
    await publish(broker)
    held = await take(broker)
    await broker.pause(["q"], Pause())
    await settle(broker, held)
    assert (await stats(broker)).succeeded == 1


async def test_revoking_what_waits_ends_it_at_once(broker: Broker) -> None:
    (ready,) = await publish(broker)
    (delayed,) = await publish(broker, delay=1000.0)
    (other,) = await publish(broker)
    assert await revoke(broker, ready, delayed) == ["cancelled", "cancelled"]
    assert [delivery.id for delivery in await take(broker)] == [other]
    for stored in await broker.results().get([ready, delayed]):
        assert stored is not None
        status = status_of_record(stored)
        assert (status.state, status.reason, status.name) == (TaskState.CANCELLED, "no more", "demo")
    figures = await stats(broker)
    assert (figures.cancelled, figures.delayed, figures.ready) == (2, 0, 0)
    assert conserved(figures)
    assert await broker.locate([ready, delayed]) == [None, None]


async def test_revoking_what_a_worker_holds_is_left_to_the_worker(broker: Broker) -> None:
    (task_id,) = await publish(broker)
    held = await take(broker)
    assert await revoke(broker, task_id, terminate=True) == ["pending"]
    (standing,) = await broker.revoked([task_id, "other"])
    assert (standing.id, standing.by, standing.terminate) == (task_id, "ann", True)
    await settle(broker, held, Outcome.REVOKED)
    assert (await stats(broker)).cancelled == 1


async def test_a_held_job_that_was_revoked_is_marked_when_it_is_fetched_again(store: Store) -> None:
    (task_id,) = await publish(store.broker)
    await take(store.broker)
    await revoke(store.broker, task_id)
    await let_leases_run_out(store)
    await store.broker.upkeep(["q"])
    delivery = await take_one(store.broker, "w2")
    assert delivery.revoked is not None
    assert delivery.revoked.reason == "no more"


async def test_revoking_an_id_before_it_is_published_marks_it(broker: Broker) -> None:
    await publish(broker, queue="q")
    await settle(broker, await take(broker))
    sealed = job()
    assert await revoke(broker, sealed.id) == ["pending"]
    await broker.publish([sealed])
    delivery = await take_one(broker)
    assert delivery.revoked is not None


async def test_revoking_what_has_ended_changes_nothing(broker: Broker) -> None:
    (task_id,) = await publish(broker)
    await settle(broker, await take(broker))
    assert await revoke(broker, task_id) == ["ended"]
    (stored,) = await broker.results().get([task_id])
    assert stored is not None
    assert status_of_record(stored).state is TaskState.SUCCEEDED


async def test_a_revocation_is_forgotten_after_its_time(store: Store) -> None:
    (task_id,) = await publish(store.broker)
    await take(store.broker)
    await revoke(store.broker, task_id, seconds=0.05)
    await store.pass_time(0.1)
    assert await store.broker.revoked([task_id]) == []
    await let_leases_run_out(store)
    await store.broker.upkeep(["q"])
    assert (await take_one(store.broker, "w2")).revoked is None


async def test_every_job_can_be_located_wherever_it_stands(store: Store) -> None:
    broker = store.broker
    (ready,) = await publish(broker, queue="a")
    (delayed,) = await publish(broker, queue="b", delay=1000.0)
    (held,) = await publish(broker, queue="c")
    await take(broker, queues=("c",), owner="w7")
    places = await (await store.another()).locate([ready, "unknown", delayed, held])
    assert [place and (place.id, place.queue, place.where) for place in places] == [
        (ready, "a", "ready"),
        None,
        (delayed, "b", "delayed"),
        (held, "c", "inflight"),
    ]
    assert places[3] is not None
    assert (places[3].owner, places[3].deliveries, places[3].attempt) == ("w7", 1, 0)
    assert places[2] is not None
    assert places[2].due is not None
    assert 900.0 < places[2].due - await broker.time() < 1001.0


async def test_a_retried_job_is_located_with_its_next_attempt(store: Store) -> None:
    broker = store.broker
    (task_id,) = await publish(broker)
    await settle(broker, await take(broker), Outcome.RETRY, delay=1000.0)
    (place,) = await broker.locate([task_id])
    assert place is not None
    assert (place.where, place.attempt, place.deliveries) == ("delayed", 1, 1)


async def test_a_requeued_job_is_located_as_ready(store: Store) -> None:
    broker = store.broker
    (task_id,) = await publish(broker)
    await settle(broker, await take(broker), Outcome.REQUEUE)
    (place,) = await broker.locate([task_id])
    assert place is not None
    assert (place.where, place.owner) == ("ready", "")


async def test_what_waits_is_listed_in_the_order_in_which_it_will_run(broker: Broker) -> None:
    low, later = await publish(broker, 2)
    (high,) = await publish(broker, priority=5)
    (delayed,) = await publish(broker, delay=100.0)
    (held,) = await take(broker, 1)
    waiting = await broker.waiting("q", 10)
    assert held.id == high
    assert [(place.id, place.where) for place in waiting] == [(low, "ready"), (later, "ready"), (delayed, "delayed")]
    assert (await broker.waiting("q", 1))[0].id == low


async def test_listing_what_waits_takes_nothing(broker: Broker) -> None:
    await publish(broker, 3)
    assert len(await broker.waiting("q", 10)) == len(await take(broker)) == 3
    assert await broker.waiting("q", 10) == []


async def test_the_latest_revocation_of_a_held_job_counts(store: Store) -> None:
    broker = store.broker
    (task_id,) = await publish(broker)
    await take_one(broker)
    until = await broker.time() + 60.0
    await broker.revoke([Revocation(id=task_id, by="ann", until=until)], {})
    await broker.revoke([Revocation(id=task_id, by="bob", terminate=True, reason="now", until=until)], {})
    (standing,) = await (await store.another()).revoked([task_id, "unknown"])
    assert (standing.by, standing.terminate, standing.reason) == ("bob", True, "now")


async def test_a_revocation_that_has_run_out_takes_no_other_along(store: Store) -> None:
    broker = store.broker
    short, long = await publish(broker, 2)
    await take(broker)
    now = await broker.time()
    await broker.revoke([Revocation(id=short, until=now + 0.1), Revocation(id=long, until=now + 60.0)], {})
    await store.pass_time(0.2)
    await broker.upkeep(["q"])
    assert [standing.id for standing in await broker.revoked([short, long])] == [long]


async def test_asking_for_nothing_is_nothing(broker: Broker) -> None:
    await broker.pause([], Pause(by="ann"))
    await broker.resume([])
    assert await broker.revoke([], {}) == []
    assert await broker.revoked([]) == []
    assert await broker.stats([]) == []
    assert await broker.locate([]) == []
    assert await broker.letters("q", []) == []
    assert await broker.replay("q", []) == 0
    assert await broker.purge("q", []) == 0
    assert await broker.settle([]) == []
    assert await broker.queues() == []
