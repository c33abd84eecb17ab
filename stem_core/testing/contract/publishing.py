"""Jobs enter a queue once each, and can be found from then on."""

from __future__ import annotations

import pytest

from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import job, publish, settle, stats, take, take_one


async def test_a_published_job_is_delivered_as_it_was_sealed(broker: Broker) -> None:
    sealed = job(priority=3)
    await broker.publish([sealed])
    delivery = await take_one(broker)
    assert (delivery.id, delivery.queue, delivery.body, delivery.priority) == (sealed.id, "q", sealed.body, 3)
    assert (delivery.attempt, delivery.deliveries, delivery.returns, delivery.crashes) == (0, 1, 0, 0)
    assert delivery.owner == "w1"
    assert delivery.revoked is None


async def test_one_batch_may_fill_many_queues(broker: Broker) -> None:
    batch = [job("a"), job("b"), job("a"), job("c")]
    await broker.publish(batch)
    assert [one.ready for one in await broker.stats(["a", "b", "c", "none"])] == [2, 1, 1, 0]
    assert await broker.queues() == ["a", "b", "c"]


async def test_publishing_nothing_is_nothing(broker: Broker) -> None:
    await broker.publish([])
    assert await broker.queues() == []


async def test_an_id_that_waits_is_not_added_again(broker: Broker) -> None:
    sealed = job()
    await broker.publish([sealed])
    await broker.publish([sealed])
    assert (await stats(broker)).published == 1
    assert len(await take(broker)) == 1


async def test_an_id_that_ended_is_not_run_again(broker: Broker) -> None:
    sealed = job()
    await broker.publish([sealed])
    await settle(broker, await take(broker))
    await broker.publish([sealed])
    assert await take(broker) == []


async def test_bytes_that_are_no_text_survive(broker: Broker) -> None:
    sealed = job()
    odd = type(sealed)(sealed.id, "q", 0, bytes(range(256)) + b"\r\n")
    await broker.publish([odd])
    assert (await take_one(broker)).body == odd.body


@pytest.mark.parametrize("number", [1, 1500])
async def test_a_batch_of_any_size_arrives_whole(broker: Broker, number: int) -> None:
    ids = await publish(broker, number)
    assert [delivery.id for delivery in await take(broker, 2000)] == ids
