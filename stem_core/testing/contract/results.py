"""Outcomes that are kept apart from the queues."""

from __future__ import annotations

from stem_core.delivery import EndedRange, Outcome, Revocation
from stem_core.results import TaskRecord, decode_record, encode_record
from stem_core.states import TaskState
from stem_core.testing.contract.harness import Store, all_ended, kept, publish, settle, take


async def test_a_record_is_returned_as_it_was_put(store: Store) -> None:
    results = store.broker.results()
    records = [b'{"state":"succeeded"}', bytes(range(256))]
    assert await results.put([kept("a", records[0]), kept("b", records[1])]) == [True, True]
    assert await results.get(["b", "unknown", "a"]) == [records[1], None, records[0]]


async def test_asking_for_nothing_gives_nothing(store: Store) -> None:
    results = store.broker.results()
    assert await results.get([]) == []
    assert await results.put([]) == []


async def test_the_first_record_of_the_highest_delivery_count_stands(store: Store) -> None:
    results = store.broker.results()
    stands = [
        (await results.put([kept("a", body, deliveries=count)]))[0]
        for body, count in ((b"2", 2), (b"1", 1), (b"2 again", 2), (b"3", 3))
    ]
    assert stands == [True, False, False, True]
    assert await results.get(["a"]) == [b"3"]


async def test_a_record_vanishes_after_its_own_time(store: Store) -> None:
    results = store.broker.results()
    await results.put([kept("a", b"a", ttl=0.05), kept("b", b"b")])
    await store.pass_time(0.1)
    assert await results.get(["a", "b"]) == [None, b"b"]
    assert await results.put([kept("a", b"new")]) == [True]


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


async def test_ended_tasks_are_listed_page_by_page_those_kept_last_first(store: Store) -> None:
    results = store.broker.results()
    for number in range(5):
        await results.put([kept(f"t{number}", b"%d" % number, queue="ab"[number % 2])])
        await store.pass_time(0.003)
    assert await all_ended(results, EndedRange()) == [b"4", b"3", b"2", b"1", b"0"]
    assert await all_ended(results, EndedRange(queues=("a",))) == [b"4", b"2", b"0"]
    assert await all_ended(results, EndedRange(queues=("a", "b", "never"))) == [b"4", b"3", b"2", b"1", b"0"]
    assert await all_ended(results, EndedRange(queues=())) == []


async def test_ended_tasks_are_listed_by_when_they_ended(store: Store) -> None:
    results = store.broker.results()
    times = []
    for number in range(3):
        await results.put([kept(f"t{number}", b"%d" % number)])
        await store.pass_time(0.005)
        times.append(await store.broker.time())
        await store.pass_time(0.005)
    assert await all_ended(results, EndedRange(since=times[0])) == [b"2", b"1"]
    assert await all_ended(results, EndedRange(until=times[1])) == [b"1", b"0"]
    assert await all_ended(results, EndedRange(since=times[0], until=times[1])) == [b"1"]


async def test_many_that_ended_at_once_are_each_listed_once(store: Store) -> None:
    results = store.broker.results()
    await results.put([kept(f"t{number}", b"%03d" % number) for number in range(50)])
    listed = await all_ended(results, EndedRange(), page=7)
    assert sorted(listed) == [b"%03d" % number for number in range(50)]


async def test_a_page_is_not_disturbed_by_what_ends_meanwhile(store: Store) -> None:
    results = store.broker.results()
    for number in range(4):
        await results.put([kept(f"t{number}", b"%d" % number)])
        await store.pass_time(0.003)
    first, cursor = await results.ended(EndedRange(), 2)
    await results.put([kept("later", b"later")])
    second, end = await results.ended(EndedRange(), 2, cursor)
    assert (first, second, end) == ([b"3", b"2"], [b"1", b"0"], "")


async def test_what_has_run_out_is_not_listed(store: Store) -> None:
    results = store.broker.results()
    await results.put([kept("short", b"short", ttl=0.05), kept("long", b"long", ttl=100.0)])
    await store.pass_time(0.1)
    assert await all_ended(results, EndedRange()) == [b"long"]


async def test_settled_and_revoked_tasks_are_listed_and_waiting_ones_are_not(store: Store) -> None:
    broker = store.broker
    done, dead, revoked, _ = await publish(broker, 4)
    deliveries = await take(broker, 2)
    await settle(broker, deliveries[:1], Outcome.SUCCEEDED)
    await settle(broker, deliveries[1:], Outcome.DEAD)
    record = encode_record(TaskRecord(state=TaskState.CANCELLED)).removesuffix(b"}") + b',"envelope":null}'
    until = await broker.time() + 60.0
    assert await broker.revoke([Revocation(id=revoked, until=until)], {revoked: record}) == ["cancelled"]
    states = {decode_record(body).state for body in await all_ended(broker.results(), EndedRange(queues=("q",)))}
    assert states == {TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED}
    assert done != dead


async def test_a_replayed_task_is_not_listed_as_ended(store: Store) -> None:
    broker = store.broker
    ids = await publish(broker)
    await settle(broker, await take(broker), Outcome.DEAD)
    assert len(await all_ended(broker.results(), EndedRange())) == 1
    await broker.replay("q", ids)
    assert await all_ended(broker.results(), EndedRange()) == []
    await settle(broker, await take(broker), Outcome.SUCCEEDED)
    assert len(await all_ended(broker.results(), EndedRange())) == 1
