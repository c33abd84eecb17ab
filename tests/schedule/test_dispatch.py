"""Each tick once: what happens wherever a scheduler can die, sleep or be too late. On a clock moved by hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from typing import Any

import pytest

from stem_core import ScheduleEntry, Stem
from stem_core.delivery import Outcome
from stem_core.errors import BrokerFullError, BrokerUnavailableError
from stem_core.events import ScheduleEntryDispatched, ScheduleEntryDue, ScheduleEntryFailed
from stem_core.refusals import RefusalLog
from stem_core.reporting import Frames, Reporter
from stem_core.schedule.applying import FROM_CODE, apply_entries, find, switch
from stem_core.schedule.book import ScheduleBook, Scheduled
from stem_core.schedule.dispatch import CLAIM_LIFE, Dispatcher, tick_id
from stem_core.schedule.rounds import Rounds
from stem_core.stores.memory import InMemoryBroker
from stem_core.testing.contract.harness import settle, take

BEGIN = 1_000_000_000_000


class HandClock:
    """Time that only a test moves."""

    def __init__(self) -> None:
        self.now = BEGIN / 1000

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Told(Reporter):
    """What was told."""

    def __init__(self, frames: Frames) -> None:
        super().__init__(frames, "")
        self.events: list[Any] = []

    def tell(self, event: Any, *rest: Any) -> None:
        self.events.append(event)

    def kinds(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


class Faulty:
    """Sends through a Stem, and fails or dies on the way when told to."""

    def __init__(self, stem: Stem) -> None:
        self._stem = stem
        self.signer = stem.signer
        self.before: BaseException | None = None
        self.after: BaseException | None = None
        self.calls = 0

    async def enqueue_unchecked(self, name: str, args: Mapping[str, object] | None = None, **options: Any) -> str:
        self.calls += 1
        if self.before is not None:
            raise self.before
        task_id = await self._stem.enqueue_unchecked(name, args, **options)
        if self.after is not None:
            raise self.after
        return task_id


class World:
    """A broker, and schedulers on it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.broker = InMemoryBroker(clock=self.clock)
        self.book = ScheduleBook(self.broker)
        self.stem = Stem(broker=self.broker, clock=self.clock)

    def scheduler(self, name: str) -> tuple[Rounds, Faulty, Told]:
        sender = Faulty(self.stem)
        told = Told(Frames(self.broker, name, "boot", self.clock))
        dispatcher = Dispatcher(self.broker, self.broker.results(), sender, told, name, self.clock)
        return Rounds(dispatcher, RefusalLog(logging.getLogger("stem.schedule"), self.clock)), sender, told

    async def put(self, **options: Any) -> None:
        entry = ScheduleEntry("e", "demo", queue="q", **{"every": 10, **options})
        await apply_entries(self.book, [entry], FROM_CODE, round(self.clock.now * 1000))

    async def item(self) -> Scheduled:
        return await find(self.book, "e")

    async def published(self) -> int:
        return (await self.broker.stats(["q"]))[0].published


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.broker.close()


async def test_of_schedulers_that_look_at_the_same_moment_one_sends(world: World) -> None:
    await world.put()
    schedulers = [world.scheduler(name) for name in "abc"]
    world.clock.now += 10
    await asyncio.gather(*(rounds.attend() for rounds, _, _ in schedulers))
    assert await world.published() == 1
    assert sum(sender.calls for _, sender, _ in schedulers) == 1
    events = [event for _, _, told in schedulers for event in told.events]
    tick = BEGIN / 1000 + 10
    assert events == [
        ScheduleEntryDue(tick, "e", tick), ScheduleEntryDispatched(tick, "e", tick, 0.0),
    ]  # fmt: skip
    assert [place.id for place in await world.broker.waiting("q", 9)] == [tick_id("e", BEGIN + 10_000)]
    assert tick_id("e", BEGIN + 10_000) == "sched-e-20010909T014650.000Z"


async def test_a_round_tells_when_the_next_one_is_worth_it(world: World) -> None:
    rounds, _, _ = world.scheduler("a")
    assert await rounds.attend() == 1.0
    await world.put()
    world.clock.now += 9.75
    assert await rounds.attend() == pytest.approx(0.25)
    world.clock.now += 0.25
    assert await rounds.attend() == 1.0
    assert await world.published() == 1


async def test_who_dies_before_it_sent_leaves_the_tick_to_another(world: World) -> None:
    await world.put()
    dying, sender, _ = world.scheduler("dying")
    heir, _, told = world.scheduler("heir")
    sender.before = asyncio.CancelledError()
    world.clock.now += 10
    with pytest.raises(asyncio.CancelledError):
        await dying.attend()
    assert 0 < await heir.attend() <= 1.0
    assert await world.published() == 0
    world.clock.now += CLAIM_LIFE / 1000
    await heir.attend()
    assert await world.published() == 1
    (dispatched,) = told.kinds(ScheduleEntryDispatched)
    assert dispatched.drift == CLAIM_LIFE / 1000
    assert (await world.item()).progress.runs == 1


@pytest.mark.parametrize("ended", [False, True], ids=["it-still-waits", "it-ran-already"])
async def test_who_dies_after_it_sent_has_its_tick_sent_by_nobody_again(world: World, *, ended: bool) -> None:
    await world.put()
    dying, sender, _ = world.scheduler("dying")
    heir, other, _ = world.scheduler("heir")
    sender.after = asyncio.CancelledError()
    world.clock.now += 10
    with pytest.raises(asyncio.CancelledError):
        await dying.attend()
    if ended:
        await settle(world.broker, await take(world.broker, queues=("q",)), Outcome.SUCCEEDED)
    world.clock.now += CLAIM_LIFE / 1000
    await heir.attend()
    assert (await world.published(), other.calls) == (1, 0)
    progress = (await world.item()).progress
    assert (progress.runs, progress.done, progress.claim) == (1, BEGIN + 10_000, None)


async def test_who_slept_over_its_own_claim_sends_nothing_when_it_wakes(world: World) -> None:
    await world.put()
    sleeper, sender, told = world.scheduler("sleeper")
    heir, _, _ = world.scheduler("heir")
    world.clock.now += 10
    advance = world.broker.write_document

    async def sleep_after_the_claim(kind: str, *rest: Any) -> int | None:
        version = await advance(kind, *rest)
        world.broker.write_document = advance  # type: ignore[method-assign]  # only this one time
        world.clock.now += CLAIM_LIFE / 1000 + 1
        await heir.attend()
        await settle(world.broker, await take(world.broker, queues=("q",)), Outcome.SUCCEEDED)
        return version

    world.broker.write_document = sleep_after_the_claim  # type: ignore[method-assign]  # see above
    await sleeper.attend()
    assert (await world.published(), sender.calls) == (1, 0)
    assert told.kinds(ScheduleEntryDispatched) == []


async def test_a_tick_that_is_done_is_never_sent_again_although_nothing_of_its_job_is_kept(world: World) -> None:
    await world.put()
    rounds, sender, _ = world.scheduler("a")
    late, other, _ = world.scheduler("b")
    world.clock.now += 10
    await rounds.attend()
    await settle(world.broker, await take(world.broker, queues=("q",)), Outcome.SUCCEEDED)
    world.broker._results._records.clear()
    await late.attend()
    assert (sender.calls, other.calls) == (1, 0)


async def test_a_broker_without_room_is_tried_again_and_told_of_once(world: World) -> None:
    await world.put()
    rounds, sender, told = world.scheduler("a")
    sender.before = BrokerFullError("full")
    world.clock.now += 10
    assert [await rounds.attend() for _ in range(3)] == [1.0] * 3
    assert len(told.kinds(ScheduleEntryFailed)) == 1
    sender.before = None
    await rounds.attend()
    assert await world.published() == 1
    assert len(told.kinds(ScheduleEntryDispatched)) == len(told.kinds(ScheduleEntryDue)) == 1


async def test_an_outage_after_the_job_was_sent_sends_nothing_twice(world: World) -> None:
    await world.put()
    rounds, sender, _ = world.scheduler("a")
    sender.after = BrokerUnavailableError("gone")
    world.clock.now += 10
    with pytest.raises(BrokerUnavailableError):
        await rounds.attend()
    sender.after = None
    await rounds.attend()
    assert (await world.published(), sender.calls) == (1, 1)


async def test_a_tick_that_cannot_be_sent_is_given_up_and_its_error_kept(world: World) -> None:
    @world.stem.task("demo")
    def demo(x: int) -> int:
        return x

    await world.put()
    rounds, _, told = world.scheduler("a")
    world.clock.now += 10
    await rounds.attend()
    (failed,) = told.kinds(ScheduleEntryFailed)
    progress = (await world.item()).progress
    assert (progress.done, progress.failures, progress.runs) == (BEGIN + 10_000, 1, 0)
    assert "'x'" in progress.error
    assert failed.error == progress.error
    await world.put(args={"x": 1})
    world.clock.now += 10
    await rounds.attend()
    progress = (await world.item()).progress
    assert (progress.failures, progress.runs, progress.error) == (1, 1, "")


async def test_what_is_switched_off_does_not_tick_and_what_it_missed_is_not_made_up_for(world: World) -> None:
    await world.put(missed="all")
    rounds, _, _ = world.scheduler("a")
    await switch(world.book, "e", on=False, now=round(world.clock.now * 1000))
    world.clock.now += 100
    await rounds.attend()
    await switch(world.book, "e", on=True, now=round(world.clock.now * 1000))
    await rounds.attend()
    assert await world.published() == 0
    world.clock.now += 10
    await rounds.attend()
    assert await world.published() == 1


async def test_other_ticks_count_from_the_change_on_and_the_old_ones_no_more(world: World) -> None:
    await world.put()
    rounds, _, _ = world.scheduler("a")
    world.clock.now += 10
    await rounds.attend()
    world.clock.now += 5
    await world.put(every=4)
    await rounds.attend()
    assert await world.published() == 1
    world.clock.now += 1
    await rounds.attend()
    assert await world.published() == 2
    await world.put(every=4, args={"x": 2})
    world.clock.now += 4
    await rounds.attend()
    (newest,) = (await take(world.broker, limit=9, queues=("q",)))[2:]
    assert b'"x":2' in newest.body


async def test_a_scheduler_that_wakes_after_an_hour_sends_the_latest_tick_once(world: World) -> None:
    await world.put()
    rounds, _, _ = world.scheduler("a")
    world.clock.now += 3600
    await rounds.attend()
    assert [place.id for place in await world.broker.waiting("q", 9)] == [tick_id("e", BEGIN + 3_600_000)]


async def test_a_document_that_is_no_entry_hurts_no_other(world: World) -> None:
    await world.put()
    await world.broker.write_document("schedule", "broken", b'{"entry": 5}')
    rounds, _, _ = world.scheduler("a")
    world.clock.now += 10
    await rounds.attend()
    assert await world.published() == 1


async def test_a_clock_that_jumps_an_hour_forth_and_back_sends_no_tick_twice_and_goes_on(world: World) -> None:
    await world.put()
    rounds, _, _ = world.scheduler("a")
    sent: list[str] = []

    async def attend(seconds: float) -> None:
        world.clock.now += seconds
        await rounds.attend()
        for delivery in await take(world.broker, 50, queues=("q",)):
            sent.append(delivery.id)
            await settle(world.broker, [delivery], Outcome.SUCCEEDED)

    for step in (10, 10, 3600, 10, -3600, *[10] * 5, 3600, *[10] * 3):
        await attend(step)
    assert len(sent) == len(set(sent))
    assert sent[-1] == tick_id("e", BEGIN + round(world.clock.now * 1000 - BEGIN) // 10_000 * 10_000)


YEARS = 10 * 366 * 86_400.0


@pytest.mark.parametrize("dies", [False, True], ids=["sent", "claimed"])
async def test_a_clock_that_was_years_ahead_silences_no_entry(
    world: World, caplog: pytest.LogCaptureFixture, *, dies: bool
) -> None:
    await world.put()
    rounds, sender, _ = world.scheduler("a")
    sender.before = asyncio.CancelledError() if dies else None
    world.clock.now += YEARS
    with pytest.raises(asyncio.CancelledError) if dies else nullcontext():
        await rounds.attend()
    sender.before = None
    world.clock.now -= YEARS - 60
    others = [world.scheduler(name)[0] for name in "bc"]
    await asyncio.gather(*(each.attend() for each in (rounds, *others)))
    assert caplog.messages.count("schedule e ticks anew: the broker's clock was set back by 3659d23h") == 1
    sent = await world.published()
    world.clock.now += 10
    await asyncio.gather(*(each.attend() for each in (rounds, *others)))
    assert await world.published() == sent + 1
    assert (await world.item()).progress.last_id == tick_id("e", BEGIN + 70_000)


async def test_an_entry_that_was_defined_while_the_clock_was_years_ahead_ticks_too(world: World) -> None:
    world.clock.now += YEARS
    await world.put()
    world.clock.now -= YEARS
    rounds, _, _ = world.scheduler("a")
    await rounds.attend()
    world.clock.now += 10
    await rounds.attend()
    assert await world.published() == 1


async def test_a_claim_left_before_the_clock_was_set_back_is_taken_over_at_once(world: World) -> None:
    await world.put()
    dying, sender, _ = world.scheduler("dying")
    heir, _, _ = world.scheduler("heir")
    sender.before = asyncio.CancelledError()
    world.clock.now += 3600
    with pytest.raises(asyncio.CancelledError):
        await dying.attend()
    world.clock.now -= 3500
    await heir.attend()
    assert (await world.item()).progress.claim is None
    assert await world.published() == 1


async def test_schedulers_that_are_replaced_within_a_minute_leave_no_tick_out(world: World) -> None:
    await world.put(every=1)
    gone, _, _ = world.scheduler("gone")
    world.clock.now += 3
    await gone.attend()
    heir, _, _ = world.scheduler("heir")
    world.clock.now += 55
    await heir.attend()
    assert await world.published() == 58


async def test_an_entry_that_is_deleted_while_it_is_due_is_sent_no_more(world: World) -> None:
    await world.put()
    rounds, _, _ = world.scheduler("a")
    world.clock.now += 10
    await rounds.attend()
    world.clock.now += 10
    await world.book.delete("e")
    await rounds.attend()
    assert await world.published() == 1
    assert await world.broker.documents("schedule-progress") == []


async def test_a_scheduler_serves_entries_that_its_own_program_does_not_know(world: World) -> None:
    await world.put()
    older, _, _ = world.scheduler("a version that lacks the entry")
    await apply_entries(world.book, [ScheduleEntry("other", "demo", every=10, queue="q")], FROM_CODE, BEGIN)
    world.clock.now += 10
    await older.attend()
    assert await world.published() == 2
