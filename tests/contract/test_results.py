"""Outcomes that are kept apart from the queues."""

from __future__ import annotations

from stem_core.delivery import Outcome
from tests.contract.harness import Store, publish, settle, take


async def test_a_record_is_returned_as_it_was_put(store: Store) -> None:
    results = store.broker.results()
    records = [b'{"state":"succeeded"}', bytes(range(256))]
    assert await results.put([("a", records[0], 10.0, 1), ("b", records[1], 10.0, 1)]) == [True, True]
    assert await results.get(["b", "unknown", "a"]) == [records[1], None, records[0]]


async def test_asking_for_nothing_gives_nothing(store: Store) -> None:
    results = store.broker.results()
    assert await results.get([]) == []
    assert await results.put([]) == []


async def test_the_first_record_of_the_highest_delivery_count_stands(store: Store) -> None:
    results = store.broker.results()
    kept = [
        (await results.put([("a", body, 10.0, count)]))[0]
        for body, count in ((b"2", 2), (b"1", 1), (b"2 again", 2), (b"3", 3))
    ]
    assert kept == [True, False, False, True]
    assert await results.get(["a"]) == [b"3"]


async def test_a_record_vanishes_after_its_own_time(store: Store) -> None:
    results = store.broker.results()
    await results.put([("a", b"a", 0.05, 1), ("b", b"b", 100.0, 1)])
    await store.pass_time(0.1)
    assert await results.get(["a", "b"]) == [None, b"b"]
    assert await results.put([("a", b"new", 10.0, 1)]) == [True]


async def test_a_brokers_own_results_lie_where_the_broker_lies(store: Store) -> None:
    assert store.broker.results().location == store.broker.location


async def test_closing_the_results_leaves_the_broker_open(store: Store) -> None:
    await store.broker.results().close()
    await publish(store.broker)
    assert len(await take(store.broker)) == 1


async def test_results_are_found_whatever_the_queue(store: Store) -> None:
    ids = []
    for queue in ("a", "b", "c"):
        ids += await publish(store.broker, 2, queue)
        await settle(store.broker, await take(store.broker, queues=(queue,)), Outcome.SUCCEEDED)
    other = (await store.another()).results()
    assert all(stored is not None for stored in await other.get(ids))
