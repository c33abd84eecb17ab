"""Figures that add up, whatever happened."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from stem_core.delivery import Outcome, QueueStats, Settled
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import Store, conserved, publish, settle, stats, take


async def test_an_unknown_queue_has_figures_of_nought(broker: Broker) -> None:
    assert await stats(broker, "never") == QueueStats(name="never")
    assert await broker.stats([]) == []


async def test_figures_come_in_the_order_asked_for(broker: Broker) -> None:
    await publish(broker, 2, "b")
    await publish(broker, 1, "a")
    assert [(one.name, one.ready) for one in await broker.stats(["b", "a"])] == [("b", 2), ("a", 1)]


async def test_ready_and_inflight_follow_a_job(broker: Broker) -> None:
    await publish(broker, 3)
    held = await take(broker, 2)
    figures = await stats(broker)
    assert (figures.ready, figures.inflight, figures.published) == (1, 2, 3)
    await settle(broker, held)
    figures = await stats(broker)
    assert (figures.ready, figures.inflight, figures.succeeded) == (1, 0, 2)


async def test_the_age_of_the_oldest_ready_job_is_known(store: Store) -> None:
    broker = store.broker
    assert (await stats(broker)).oldest_s is None
    await publish(broker)
    await store.pass_time(0.2)
    await publish(broker)
    oldest = (await stats(broker)).oldest_s
    assert oldest is not None
    assert 0.15 <= oldest < 5.0
    await take(broker, 1)
    oldest = (await stats(broker)).oldest_s
    assert oldest is not None
    assert oldest < 0.15
    await take(broker)
    assert (await stats(broker)).oldest_s is None


@pytest.mark.parametrize("seed", range(3))
async def test_no_job_is_lost_or_doubled_in_any_course_of_events(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    broker, other = store.broker, await store.another()
    ids: list[str] = []
    ended = Counter[str]()
    for _ in range(40):
        ids += await publish(broker, chance.randrange(4), priority=chance.choice([0, 5, 9]))
        held = await take(chance.choice([broker, other]), chance.randrange(1, 6), f"w{chance.randrange(3)}")
        for delivery in held:
            kind = chance.choice(list(Outcome))
            assert await settle(broker, [delivery], kind) == [Settled.COMMITTED]
            ended[delivery.id] += kind not in (Outcome.RETRY, Outcome.REQUEUE)
        assert conserved(await stats(broker))
    while held := await take(other, 50):
        await settle(other, held)
        ended.update(delivery.id for delivery in held)
    assert ended == Counter(ids)
    figures = await stats(broker)
    assert (figures.ready, figures.inflight, figures.delayed) == (0, 0, 0)
    assert conserved(figures)
    assert sum(one is not None for one in await broker.results().get(ids)) == len(ids)
