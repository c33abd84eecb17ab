"""Logs that everyone reads with a cursor of their own."""

from __future__ import annotations

import asyncio

from stem_core.stores.port import FROM_NOW, FROM_START, Broker
from stem_core.testing.contract.harness import AT_ONCE, DEADLINE, Store


async def test_what_is_appended_is_read_in_order(broker: Broker) -> None:
    await broker.append("t", [b"1", b"2"])
    await broker.append("t", [b"3"])
    found = await broker.read({"t": FROM_START}, 10, 0.0)
    assert [message.body for message in found] == [b"1", b"2", b"3"]
    assert {message.topic for message in found} == {"t"}


async def test_reading_goes_on_from_a_cursor(broker: Broker) -> None:
    await broker.append("t", [b"%d" % number for number in range(10)])
    cursor, seen = FROM_START, []
    while found := await broker.read({"t": cursor}, 3, 0.0):
        assert len(found) <= 3
        seen += [message.body for message in found]
        cursor = found[-1].cursor
    assert seen == [b"%d" % number for number in range(10)]


async def test_every_reader_gets_everything(store: Store) -> None:
    await store.broker.append("t", [b"x"])
    for broker in (store.broker, await store.another()):
        assert len(await broker.read({"t": FROM_START}, 10, 0.0)) == 1


async def test_from_now_sees_only_what_comes_later(store: Store) -> None:
    await store.broker.append("t", [b"old"])
    other = await store.another()
    reading = asyncio.ensure_future(other.read({"t": FROM_NOW}, 10, 10.0))
    await asyncio.sleep(0.05)
    await store.broker.append("t", [b"new"])
    async with asyncio.timeout(AT_ONCE):
        assert [message.body for message in await reading] == [b"new"]


async def test_a_tail_leaves_no_gap(broker: Broker) -> None:
    empty = await broker.tail("t")
    await broker.append("t", [b"1"])
    tail = await broker.tail("t")
    await broker.append("t", [b"2"])
    assert [message.body for message in await broker.read({"t": tail}, 10, 0.0)] == [b"2"]
    assert [message.body for message in await broker.read({"t": empty}, 10, 0.0)] == [b"1", b"2"]


async def test_one_read_serves_many_topics(broker: Broker) -> None:
    await broker.append("a", [b"1"])
    await broker.append("b", [b"2"])
    found = await broker.read({"a": FROM_START, "b": FROM_START, "none": FROM_START}, 10, 0.0)
    assert {(message.topic, message.body) for message in found} == {("a", b"1"), ("b", b"2")}


async def test_a_read_of_many_topics_wakes_for_any(store: Store) -> None:
    reading = asyncio.ensure_future((await store.another()).read({"a": FROM_NOW, "b": FROM_NOW}, 10, 10.0))
    await asyncio.sleep(0.05)
    await store.broker.append("b", [b"x"])
    async with asyncio.timeout(AT_ONCE):
        assert [message.topic for message in await reading] == ["b"]


async def test_an_empty_read_returns_within_its_wait(broker: Broker) -> None:
    async with asyncio.timeout(DEADLINE / 2):
        assert await broker.read({"t": FROM_START}, 10, 0.1) == []
        assert await broker.read({"t": FROM_NOW}, 10, 0.0) == []


async def test_cancelling_a_read_harms_no_later_one(broker: Broker) -> None:
    for number in range(10):
        reading = asyncio.ensure_future(broker.read({"t": FROM_NOW}, 10, 10.0))
        await asyncio.sleep(0.005)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await broker.append("other", [b"%d" % number])
        assert (await broker.read({"other": FROM_START}, 100, 0.0))[-1].body == b"%d" % number


async def test_topics_are_bounded(broker: Broker) -> None:
    for _ in range(12):
        await broker.append("t", [b"x"] * 500)
    cursor, count = FROM_START, 0
    while found := await broker.read({"t": cursor}, 1000, 0.0):
        cursor, count = found[-1].cursor, count + len(found)
    assert 2000 <= count <= 2500


async def test_a_topic_vanishes_after_its_time_and_begins_anew(store: Store) -> None:
    broker = store.broker
    await broker.append("t", [b"1", b"2", b"3"], ttl=0.05)
    cursor = (await broker.read({"t": FROM_START}, 10, 0.0))[-1].cursor
    await store.pass_time(0.1)
    assert await broker.read({"t": FROM_START}, 10, 0.0) == []
    await broker.append("t", [b"4"], ttl=10.0)
    assert [message.body for message in await broker.read({"t": cursor}, 10, 0.0)] == [b"4"]


async def test_appending_nothing_is_nothing(broker: Broker) -> None:
    await broker.append("t", [])
    assert await broker.read({"t": FROM_START}, 10, 0.0) == []
