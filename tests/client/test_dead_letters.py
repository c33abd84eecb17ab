"""Dead letters: found, replayed and purged, one, many, by filter, at a rate, or only as a trial."""

from __future__ import annotations

import pytest

from stem_core.client import DeadLetters, LetterFilter
from stem_core.delivery import Outcome
from stem_core.envelope import Envelope, Sealed, new_task_id, seal
from stem_core.errors import UsageError
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import ShiftedClock, settle, take


async def kill(
    broker: Broker, task: str = "mail.send", queue: str = "q", reason: str = "poison", number: int = 1
) -> list[str]:
    batch = [seal(Envelope(id=new_task_id(), name=task, queue=queue)) for _ in range(number)]
    await broker.publish(batch)
    deliveries = await take(broker, number, queues=(queue,))
    await settle(broker, deliveries, Outcome.DEAD, reason=reason, error=f"Boom: {task} failed")
    return [sealed.id for sealed in batch]


async def ids_of(letters: DeadLetters, **wanted: object) -> set[str]:
    return {letter.dead.id async for letter in letters.matching(LetterFilter(**wanted))}  # type: ignore[arg-type]


async def test_a_filter_finds_what_it_names_and_nothing_else(any_broker: Broker) -> None:
    mail = await kill(any_broker)
    tidy = await kill(any_broker, "tidy.up", "other", "unregistered-task")
    letters = DeadLetters(any_broker)
    assert await ids_of(letters) == {*mail, *tidy}
    assert await ids_of(letters, queues=("other",)) == {*tidy}
    assert await ids_of(letters, task="mail.*") == {*mail}
    assert await ids_of(letters, reason="unregistered-task") == {*tidy}
    assert await ids_of(letters, error="tidy.up failed") == {*tidy}
    assert await ids_of(letters, ids=(mail[0], "unknown")) == {*mail}
    assert await ids_of(letters, since=await any_broker.time() + 60) == set()
    assert await ids_of(letters, until=await any_broker.time() + 60) == {*mail, *tidy}


async def test_pages_show_each_letter_once_across_queues_and_filters(any_broker: Broker) -> None:
    expected = set()
    for queue in ("a", "b", "c"):
        expected |= set(await kill(any_broker, "wanted", queue, number=4))
        await kill(any_broker, "other", queue, number=5)
    letters = DeadLetters(any_broker)
    seen: list[str] = []
    cursor, pages = "", 0
    while cursor or not pages:
        page, cursor = await letters.page(LetterFilter(task="wanted"), 3, cursor)
        assert len(page) <= 3
        seen += [letter.dead.id for letter in page]
        pages += 1
    assert sorted(seen) == sorted(expected)


async def test_a_cursor_of_nowhere_is_refused(any_broker: Broker) -> None:
    with pytest.raises(UsageError, match="cursor 'nowhere 1'"):
        await DeadLetters(any_broker).page(LetterFilter(), 5, "nowhere 1")


async def test_a_letter_is_found_by_its_task_and_shown_with_its_envelope(any_broker: Broker) -> None:
    (task_id,) = await kill(any_broker)
    letter = await DeadLetters(any_broker).find(task_id)
    assert letter is not None
    assert (letter.task, letter.dead.reason, letter.dead.queue) == ("mail.send", "poison", "q")
    assert await DeadLetters(any_broker).find("unknown") is None


async def test_bytes_that_are_no_envelope_are_shown_all_the_same(any_broker: Broker) -> None:
    await any_broker.publish([Sealed("raw", "q", 0, b"\xff no envelope")])
    await settle(any_broker, await take(any_broker), Outcome.DEAD, reason="envelope-invalid")
    letter = await DeadLetters(any_broker).find("raw")
    assert letter is not None
    assert (letter.task, letter.dead.body) == (None, b"\xff no envelope")


async def test_replaying_by_filter_makes_those_ready_and_leaves_the_rest_dead(any_broker: Broker) -> None:
    mail = await kill(any_broker, number=3)
    tidy = await kill(any_broker, "tidy.up")
    letters = DeadLetters(any_broker)
    steps: list[tuple[int, int]] = []
    assert await letters.replay(LetterFilter(task="mail.*"), on_done=lambda *step: steps.append(step)) == 3
    assert {delivery.id for delivery in await take(any_broker)} == {*mail}
    assert await ids_of(letters) == {*tidy}
    assert steps[-1] == (3, 3)


async def test_a_limit_takes_the_newest(any_broker: Broker) -> None:
    old = await kill(any_broker)
    clock_moved = await any_broker.time()
    while await any_broker.time() - clock_moved < 0.002:
        pass
    new = await kill(any_broker)
    assert await DeadLetters(any_broker).purge(LetterFilter(), limit=1) == 1
    assert await ids_of(DeadLetters(any_broker)) == {*old}
    assert old != new


async def test_what_someone_else_took_away_is_not_counted(any_broker: Broker) -> None:
    ids = await kill(any_broker, number=4)
    letters = DeadLetters(any_broker)
    await any_broker.purge("q", ids[:1])
    assert await letters.replay(LetterFilter(ids=tuple(ids))) == 3


class PacedClock(ShiftedClock):
    """Sleeps at once, and remembers for how long in all."""

    slept = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.shift += seconds


async def test_a_rate_is_kept() -> None:
    broker, clock = InMemoryBroker(), PacedClock()
    await kill(broker, number=100)
    assert await DeadLetters(broker, clock).replay(LetterFilter(), rate=20.0) == 100
    assert clock.slept == pytest.approx(4.9, abs=0.2)


async def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="the rate is 0"):
        await DeadLetters(InMemoryBroker()).replay(LetterFilter(), rate=0)
