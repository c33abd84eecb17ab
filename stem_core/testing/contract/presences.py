"""Who is alive, by the store's clock."""

from __future__ import annotations

from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import Store


async def test_an_announced_worker_is_seen_by_all(store: Store) -> None:
    await store.broker.announce("w1", b"snapshot", 10.0)
    (seen,) = await (await store.another()).presences()
    assert (seen.worker, seen.body) == ("w1", b"snapshot")
    assert 0.0 <= seen.age < 5.0


async def test_the_last_word_counts(broker: Broker) -> None:
    await broker.announce("w1", b"old", 10.0)
    await broker.announce("w1", b"new", 10.0)
    assert [seen.body for seen in await broker.presences()] == [b"new"]


async def test_silence_shows_as_age_until_the_worker_is_forgotten(store: Store) -> None:
    await store.broker.announce("brief", b"", 0.1)
    await store.broker.announce("long", b"", 100.0)
    await store.pass_time(0.15)
    (seen,) = await store.broker.presences()
    assert seen.worker == "long"
    assert seen.age >= 0.1


async def test_a_worker_that_ended_is_gone_at_once(broker: Broker) -> None:
    await broker.announce("w1", b"", 10.0)
    await broker.announce("w2", b"", 10.0)
    await broker.withdraw("w1")
    await broker.withdraw("unknown")
    assert [seen.worker for seen in await broker.presences()] == ["w2"]
