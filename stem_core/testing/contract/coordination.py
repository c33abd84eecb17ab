"""What workers and producers agree on beside jobs: locks, token buckets, groups, documents."""

from __future__ import annotations

import asyncio

import pytest

from stem_core.stores.port import Broker, Document
from stem_core.testing.contract.harness import Store


async def test_a_lock_has_one_owner_and_tells_who(store: Store) -> None:
    other = await store.another()
    assert await store.broker.lock_owner("l") is None
    assert await store.broker.lock("l", "ann", 10.0) == "ann"
    assert await other.lock("l", "bob", 10.0) == "ann"
    assert await other.lock_owner("l") == "ann"


async def test_of_many_who_want_a_lock_at_once_exactly_one_gets_it(store: Store) -> None:
    brokers = [store.broker, await store.another()]
    told = await asyncio.gather(*(brokers[n % 2].lock("l", f"w{n}", 10.0) for n in range(20)))
    assert len(set(told)) == 1


async def test_only_its_owner_frees_a_lock(broker: Broker) -> None:
    await broker.lock("l", "ann", 10.0)
    assert not await broker.unlock("l", "bob")
    assert await broker.unlock("l", "ann")
    assert not await broker.unlock("l", "ann")
    assert await broker.lock("l", "bob", 10.0) == "bob"


async def test_a_lock_runs_out_and_can_be_taken_by_another(store: Store) -> None:
    await store.broker.lock("l", "ann", 0.1)
    await store.pass_time(0.15)
    assert await store.broker.lock_owner("l") is None
    assert await store.broker.lock("l", "bob", 10.0) == "bob"
    assert not await store.broker.unlock("l", "ann")


@pytest.mark.parametrize("way", ["lock", "relock"])
async def test_its_owner_extends_a_lock(store: Store, way: str) -> None:
    await store.broker.lock("l", "ann", 0.4)
    await store.pass_time(0.1)
    assert await getattr(store.broker, way)("l", "ann", 10.0)
    await store.pass_time(0.4)
    assert await store.broker.lock_owner("l") == "ann"


async def test_extending_fails_for_others_and_once_it_has_run_out(store: Store) -> None:
    await store.broker.lock("l", "ann", 0.1)
    assert not await store.broker.relock("l", "bob", 10.0)
    await store.pass_time(0.15)
    assert not await store.broker.relock("l", "ann", 10.0)
    assert await store.broker.lock_owner("l") is None


async def test_a_bucket_gives_its_burst_at_once_and_then_its_rate(store: Store) -> None:
    broker = store.broker
    assert [await broker.take_token("b", 0.5, 3.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert 1.5 < await broker.take_token("b", 0.5, 3.0) <= 2.0
    assert await broker.take_token("other", 0.5, 3.0) == 0.0


async def test_a_bucket_refills_with_time_but_not_over_its_burst(store: Store) -> None:
    broker = store.broker
    for _ in range(2):
        assert await broker.take_token("b", 2.5, 2.0) == 0.0
    wait = await broker.take_token("b", 2.5, 2.0)
    assert 0.0 < wait <= 0.4
    await store.pass_time(wait)
    assert await broker.take_token("b", 2.5, 2.0) == 0.0
    await store.pass_time(1.6)
    taken = [await broker.take_token("b", 2.5, 2.0) for _ in range(3)]
    assert taken[:2] == [0.0, 0.0]
    assert taken[2] > 0.0


async def test_many_who_share_a_bucket_get_no_more_than_it_holds(store: Store) -> None:
    brokers = [store.broker, await store.another()]
    waits = await asyncio.gather(*(brokers[n % 2].take_token("b", 0.01, 5.0) for n in range(20)))
    assert waits.count(0.0) == 5


async def test_those_who_get_no_token_are_told_turns_of_their_own(store: Store) -> None:
    brokers = [store.broker, await store.another()]
    assert await brokers[0].take_token("b", 0.5, 1.0, 60.0) == 0.0
    waits = [await brokers[n % 2].take_token("b", 0.5, 1.0, 60.0) for n in range(5)]
    assert waits == pytest.approx([2.0, 4.0, 6.0, 8.0, 10.0], abs=0.5)
    assert await brokers[1].take_token("other", 0.5, 1.0, 60.0) == 0.0


async def test_who_comes_at_his_turn_finds_a_token_and_the_line_stays_as_it_is(store: Store) -> None:
    broker = store.broker
    for _ in range(2):
        assert await broker.take_token("b", 2.5, 2.0, 60.0) == 0.0
    waits = [await broker.take_token("b", 2.5, 2.0, 60.0) for _ in range(3)]
    await store.pass_time(waits[0])
    assert await broker.take_token("b", 2.5, 2.0, 60.0) == 0.0
    latest = await broker.take_token("b", 2.5, 2.0, 60.0)
    assert waits[2] - waits[0] < latest <= waits[2] + 0.4 + 0.001
    await store.pass_time(waits[1] - waits[0])
    assert await broker.take_token("b", 2.5, 2.0, 60.0) == 0.0


async def test_a_line_is_no_longer_than_is_said_or_than_a_token_takes(store: Store) -> None:
    broker = store.broker
    assert await broker.take_token("b", 0.5, 1.0, 5.0) == 0.0
    waits = [await broker.take_token("b", 0.5, 1.0, 5.0) for _ in range(5)]
    assert waits == pytest.approx([2.0, 4.0, 5.0, 5.0, 5.0], abs=0.5)
    assert await broker.take_token("slow", 0.01, 1.0, 5.0) == 0.0
    assert [await broker.take_token("slow", 0.01, 1.0, 5.0) for _ in range(2)] == pytest.approx([100, 100], abs=1)


async def test_a_group_collects_each_members_first_result_in_order(store: Store) -> None:
    broker, other = store.broker, await store.another()
    await broker.open_group("g", 3, 60.0)
    assert await other.group("g") == [None, None, None]
    assert await broker.add_to_group("g", 2, b"c") == 2
    assert await other.add_to_group("g", 0, b"a") == 1
    assert await other.add_to_group("g", 0, b"again") == 1
    assert await broker.add_to_group("g", 1, b"") == 0
    assert await broker.group("g") == [b"a", b"", b"c"]


async def test_the_last_member_is_told_so_exactly_once_among_first_results(store: Store) -> None:
    brokers = [store.broker, await store.another()]
    await store.broker.open_group("g", 40, 60.0)
    missing = await asyncio.gather(*(brokers[n % 2].add_to_group("g", n, b"%d" % n) for n in range(40)))
    assert sorted(missing, key=str) == sorted(range(40), key=str)
    assert await store.broker.group("g") == [b"%d" % n for n in range(40)]


async def test_an_unknown_group_is_none(broker: Broker) -> None:
    assert await broker.group("never") is None
    assert await broker.add_to_group("never", 0, b"x") is None


async def test_opening_a_group_again_drops_what_was_collected(broker: Broker) -> None:
    await broker.open_group("g", 2, 60.0)
    await broker.add_to_group("g", 0, b"x")
    await broker.open_group("g", 1, 60.0)
    assert await broker.group("g") == [None]


async def test_a_group_runs_out_and_takes_nothing_any_more(store: Store) -> None:
    await store.broker.open_group("g", 2, 0.1)
    await store.pass_time(0.15)
    assert await store.broker.add_to_group("g", 0, b"late") is None
    assert await store.broker.group("g") is None


async def test_documents_are_kept_by_kind_and_key(store: Store) -> None:
    broker = store.broker
    assert await broker.documents("schedule") == []
    assert await broker.write_document("schedule", "b", b"2") == 1
    assert await broker.write_document("schedule", "a", bytes(range(256))) == 1
    await broker.write_document("limit", "a", b"x")
    other = await store.another()
    assert await other.documents("schedule") == [Document("a", 1, bytes(range(256))), Document("b", 1, b"2")]


async def test_a_document_is_written_only_over_the_version_that_was_read(broker: Broker) -> None:
    assert await broker.write_document("k", "a", b"1", version=0) == 1
    assert await broker.write_document("k", "a", b"2", version=0) is None
    assert await broker.write_document("k", "a", b"2", version=1) == 2
    assert await broker.write_document("k", "a", None, version=1) is None
    assert await broker.documents("k") == [Document("a", 2, b"2")]
    assert await broker.write_document("k", "a", b"3") == 3
    assert await broker.write_document("k", "a", None, version=3) == 0
    assert await broker.documents("k") == []


async def test_of_many_who_write_over_one_version_exactly_one_succeeds(store: Store) -> None:
    brokers = [store.broker, await store.another()]
    await store.broker.write_document("k", "a", b"0")
    wrote = await asyncio.gather(*(brokers[n % 2].write_document("k", "a", b"%d" % n, version=1) for n in range(10)))
    assert sorted(each for each in wrote if each is not None) == [2]
