"""Jobs that will not run again by themselves, and what can be done with them."""

from __future__ import annotations

from stem_core.delivery import Outcome
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import Store, conserved, publish, settle, stats, take, take_one


async def kill(broker: Broker, number: int = 1, **options: float) -> list[str]:
    ids = []
    for _ in range(number):
        ids += await publish(broker, **options)  # type: ignore[arg-type]  # ints and floats by name
        await settle(broker, await take(broker), Outcome.DEAD, reason="poison", error="boom")
    return ids


async def test_a_dead_letter_can_be_read_whole(broker: Broker) -> None:
    now = await broker.time()
    (task_id,) = await kill(broker)
    (letter,), cursor = await broker.dead("q", 10)
    assert (letter.id, letter.queue, letter.reason, letter.error) == (task_id, "q", "poison", "boom")
    assert (letter.attempt, letter.deliveries) == (0, 1)
    assert abs(letter.died_at - now) < 5.0
    assert b"demo" in letter.body
    assert cursor == ""
    assert (await stats(broker)).dead == 1


async def test_a_dead_letter_is_not_delivered(broker: Broker) -> None:
    await kill(broker)
    await broker.upkeep(["q"])
    assert await take(broker) == []


async def test_dead_letters_come_newest_first_and_in_pages(store: Store) -> None:
    ids = []
    for _ in range(5):
        ids += await kill(store.broker)
        await store.pass_time(0.002)
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page, cursor = await store.broker.dead("q", 2, cursor)
        seen += [letter.id for letter in page]
    assert seen == ids[::-1]
    assert cursor == ""


async def test_an_empty_queue_has_no_dead_letters(broker: Broker) -> None:
    assert await broker.dead("never", 10) == ([], "")


async def test_a_replayed_job_runs_again_from_its_first_attempt(broker: Broker) -> None:
    await publish(broker, priority=7)
    await settle(broker, await take(broker), Outcome.RETRY)
    await settle(broker, await take(broker), Outcome.DEAD)
    ((letter,), _) = await broker.dead("q", 10)
    assert await broker.replay("q", [letter.id, "unknown"]) == 1
    again = await take_one(broker)
    assert (again.id, again.body, again.priority) == (letter.id, letter.body, 7)
    assert (again.attempt, again.deliveries, again.crashes) == (0, 3, 0)
    assert await broker.dead("q", 10) == ([], "")


async def test_a_replay_takes_the_record_back_until_it_ends_again(broker: Broker) -> None:
    (task_id,) = await kill(broker)
    await broker.replay("q", [task_id])
    assert await broker.results().get([task_id]) == [None]
    assert (await broker.locate([task_id]))[0] is not None
    await settle(broker, await take(broker))
    assert (await broker.results().get([task_id]))[0] is not None


async def test_a_replayed_job_is_located_with_all_its_deliveries(broker: Broker) -> None:
    """A record kept elsewhere is told from a later run by them."""
    (task_id,) = await kill(broker)
    await broker.replay("q", [task_id])
    (waiting,) = await broker.locate([task_id])
    await take(broker)
    (running,) = await broker.locate([task_id])
    assert waiting is not None
    assert running is not None
    assert (waiting.where, waiting.deliveries) == ("ready", 1)
    assert (running.where, running.deliveries) == ("inflight", 2)


async def test_replaying_twice_replays_once(broker: Broker) -> None:
    (task_id,) = await kill(broker)
    assert [await broker.replay("q", [task_id]) for _ in range(2)] == [1, 0]
    assert await broker.replay("q", []) == 0
    assert len(await take(broker)) == 1


async def test_a_purged_letter_is_gone(broker: Broker) -> None:
    ids = await kill(broker, 3)
    assert await broker.purge("q", [ids[0], "unknown"]) == 1
    assert await broker.purge("q", [ids[0]]) == 0
    assert await broker.replay("q", [ids[0]]) == 0
    assert (await stats(broker)).dead == 2
    assert await broker.purge("q", ids) == 2


async def test_the_books_balance_after_replay_and_purge(broker: Broker) -> None:
    ids = await kill(broker, 3)
    await broker.replay("q", ids[:2])
    await broker.purge("q", ids[2:])
    figures = await stats(broker)
    assert (figures.published, figures.failed, figures.ready, figures.dead) == (5, 3, 2, 0)
    assert conserved(figures)


async def test_dead_letters_are_found_by_their_ids(broker: Broker) -> None:
    ids = await kill(broker, 2)
    second, unknown, first = await broker.letters("q", [ids[1], "unknown", ids[0]])
    assert (second and second.id, unknown, first and first.id) == (ids[1], None, ids[0])
    assert first is not None
    assert (first.reason, first.error, first.queue) == ("poison", "boom", "q")
    assert await broker.letters("q", []) == []


async def test_a_page_of_dead_letters_is_not_disturbed_by_what_comes_and_goes(store: Store) -> None:
    broker = store.broker
    ids = []
    for _ in range(6):
        ids += await kill(broker)
        await store.pass_time(0.002)
    first, cursor = await broker.dead("q", 2)
    await broker.replay("q", [first[0].id])
    await broker.purge("q", [first[1].id])
    await settle(broker, await take(broker), Outcome.DEAD)
    second, cursor = await broker.dead("q", 2, cursor)
    third, cursor = await broker.dead("q", 2, cursor)
    assert [letter.id for letter in (*second, *third)] == ids[3::-1]
    assert cursor == ""


async def test_many_that_died_at_once_are_each_shown_once(broker: Broker) -> None:
    ids = await publish(broker, 30)
    await settle(broker, await take(broker), Outcome.DEAD)
    seen: list[str] = []
    cursor = ""
    for _ in range(5):
        page, cursor = await broker.dead("q", 7, cursor)
        seen += [letter.id for letter in page]
    assert sorted(seen) == sorted(ids)
    assert cursor == ""
