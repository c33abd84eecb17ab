"""A scheduler that runs, on memory and on Redis: what it tells, what it notices, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from stem_core import Scheduler, Stem, StemSignals, Worker, connect_broker
from stem_core.errors import UsageError
from stem_core.events import ScheduleEntryDispatched, ScheduleEntryDue, decode_frame
from stem_core.schedule.applying import FROM_FILE, apply_entries, find, switch
from stem_core.schedule.book import ScheduleBook
from stem_core.schedule.entry import ScheduleEntry
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.port import FROM_START, Broker
from stem_core.testing.contract.harness import ShiftedClock
from tests.servers import RedisServer
from tests.worker.cluster import until


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def broker(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Broker]:
    """An empty broker of each kind."""
    if request.param == "memory":
        yield InMemoryBroker(namespace)
        return
    broker = await connect_broker(request.getfixturevalue("redis_url"), namespace=namespace)
    yield broker
    await broker.close()


async def now_of(broker: Broker) -> int:
    return round(await broker.time() * 1000)


async def test_it_enqueues_a_programs_entries_and_a_worker_runs_them(broker: Broker) -> None:
    stem = Stem(broker=broker)
    ran: list[int] = []

    @stem.task("count", queue="numbers")
    def count(x: int) -> None:
        ran.append(x)

    stem.schedule("counting", task=count, every=0.1, args={"x": 7})
    worker = Worker(broker=broker, registry=stem.registry, queue="numbers", concurrency=1)
    await worker.start()
    async with Scheduler(stem):
        await until(lambda: len(ran) >= 3)
    await worker.shutdown()
    assert set(ran) == {7}
    item = await find(ScheduleBook(broker), "counting")
    assert (item.stored.origin, item.progress.claim) == ("code", None)
    assert item.progress.runs >= 3


async def test_it_tells_listeners_here_and_readers_elsewhere(broker: Broker) -> None:
    stem = Stem(broker=broker)
    stem.schedule("a", task="demo", every=0.1)
    stem.schedule("b", task="demo", every=0.1)
    heard: list[ScheduleEntryDispatched] = []
    with StemSignals.on_schedule_entry_dispatched(lambda event, _: heard.append(event), entry="a"):
        async with Scheduler(stem, name="clockwork"):
            await until(lambda: len(heard) >= 2)
    assert {event.entry for event in heard} == {"a"}
    assert all(0 <= event.drift < 5 for event in heard)
    messages = await broker.read({"events": FROM_START}, 100, 0)
    frames = [decode_frame(message.body) for message in messages]
    assert {frame.source for frame in frames} == {"clockwork"}
    events = [event for frame in frames for event in frame.events]
    due = [event for event in events if isinstance(event, ScheduleEntryDue)]
    sent = [event for event in events if isinstance(event, ScheduleEntryDispatched)]
    assert {event.entry for event in due} == {"a", "b"}
    assert {(event.entry, event.scheduled_for) for event in sent} == {(each.entry, each.scheduled_for) for each in due}


async def test_it_notices_what_is_applied_and_switched_while_it_runs(broker: Broker) -> None:
    book = ScheduleBook(broker)

    async def runs() -> int:
        return (await find(book, "late")).progress.runs

    async with Scheduler(Stem(broker=broker)):
        await apply_entries(book, [ScheduleEntry("late", "demo", every=0.1)], FROM_FILE, await now_of(broker))
        await until(runs)
        await switch(book, "late", on=False, now=await now_of(broker))
        item = await find(book, "late")
        await until(lambda: settled(book, item.progress.runs))


async def settled(book: ScheduleBook, before: int) -> bool:
    """Return whether nothing is sent over half a second any more; a tick that was on its way may still come."""
    begin = (await find(book, "late")).progress.runs
    await asyncio.sleep(0.5)
    return (await find(book, "late")).progress.runs == begin <= before + 1


async def test_the_brokers_time_counts_and_not_the_schedulers(broker: Broker) -> None:
    stem = Stem(broker=broker)
    stem.schedule("a", task="demo", every=0.2, missed="all")
    clocks = [ShiftedClock() for _ in range(3)]
    clocks[0].shift, clocks[1].shift = 3600.0, -3600.0
    async with contextlib.AsyncExitStack() as stack:
        for number, clock in enumerate(clocks):
            await stack.enter_async_context(Scheduler(stem, name=f"s{number}", clock=clock))
        begin = await now_of(broker)
        await until(lambda: ran(broker, 5))
    item = await find(ScheduleBook(broker), "a")
    assert item.progress.done <= await now_of(broker)
    assert item.progress.done - begin < 10_000
    assert (await broker.stats(["default"]))[0].published == item.progress.runs


async def ran(broker: Broker, number: int) -> bool:
    return (await find(ScheduleBook(broker), "a")).progress.runs >= number


async def test_an_operators_switch_outlives_a_restart_and_a_changed_definition_does_not_undo_it(broker: Broker) -> None:
    first, second = Stem(broker=broker), Stem(broker=broker)
    first.schedule("a", task="demo", every=60)
    second.schedule("a", task="demo", every=30)
    async with Scheduler(first):
        await switch(ScheduleBook(broker), "a", on=False, now=await now_of(broker))
    async with Scheduler(second):
        item = await find(ScheduleBook(broker), "a")
    assert (item.stored.entry.every, item.stored.enabled) == (30, False)


async def test_it_is_started_once_and_stopped_as_often_as_one_likes(broker: Broker) -> None:
    scheduler = Scheduler(Stem(broker=broker))
    await scheduler.stop()
    scheduler = Scheduler(Stem(broker=broker))
    await scheduler.start()
    with pytest.raises(UsageError, match="started already"):
        await scheduler.start()
    running = asyncio.ensure_future(scheduler.run())
    await scheduler.stop()
    await scheduler.stop()
    await running


@pytest.mark.redis
async def test_it_outlives_an_outage_of_the_broker_and_leaves_no_tick_out(
    private_redis: RedisServer, namespace: str
) -> None:
    stem = Stem.from_url(private_redis.url, namespace)
    stem.schedule("a", task="demo", every=0.2)
    async with stem:
        broker, _ = await stem.connect()
        async with Scheduler(stem):
            await until(lambda: ran(broker, 2))
            before = (await find(ScheduleBook(broker), "a")).progress
            await asyncio.to_thread(private_redis.restart)
            back = time.monotonic()
            await until(lambda: ran(broker, before.runs + 5), within=20)
            assert time.monotonic() - back < 10
        item = await find(ScheduleBook(broker), "a")
        # No tick is left out, and none is there twice: as many jobs as ticks between the first and the last.
        places = await broker.waiting("default", 1000)
        ticks = sorted(int(place.id[-20:-1].replace("T", "").replace(".", "")) for place in places)
        assert len(ticks) == len(set(ticks)) == item.progress.runs
        assert (item.progress.done - before.done) / 200 == item.progress.runs - before.runs
