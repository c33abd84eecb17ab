"""The producer's batches: shared by those who come together, errors only to those they concern."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from stem_core.client.producer import MAX_BATCH, Producer
from stem_core.envelope import Sealed
from stem_core.errors import BrokerFullError
from stem_core.stores.port import Broker


def job(name: str, queue: str = "default") -> Sealed:
    return Sealed(name, queue, 0, b"{}")


class Recorder:
    """Notes what is published; each publish waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.full: set[str] = set()

    async def publish(self, batch: Sequence[Sealed]) -> None:
        self.batches.append([each.id for each in batch])
        await self.open.wait()
        if batch[0].queue in self.full:
            raise BrokerFullError(f"{batch[0].queue} is full")


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def producer(recorder: Recorder) -> Producer:
    return Producer(cast("Broker", recorder))


async def test_enqueues_of_one_turn_share_one_publish(producer: Producer, recorder: Recorder) -> None:
    await asyncio.gather(*(producer.publish([job(str(number))]) for number in range(50)))
    assert recorder.batches == [[str(number) for number in range(50)]]


async def test_while_one_publish_is_under_way_the_next_ones_gather(producer: Producer, recorder: Recorder) -> None:
    recorder.open.clear()
    first = asyncio.ensure_future(producer.publish([job("a")]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.ensure_future(producer.publish([job(name)])) for name in "bcd"]
    await asyncio.sleep(0)
    recorder.open.set()
    await asyncio.gather(first, *rest)
    assert recorder.batches == [["a"], ["b", "c", "d"]]


async def test_a_batch_has_a_largest_size(producer: Producer, recorder: Recorder) -> None:
    await asyncio.gather(*(producer.publish([job(str(number))]) for number in range(MAX_BATCH + 1)))
    assert [len(batch) for batch in recorder.batches] == [MAX_BATCH, 1]


async def test_a_full_queue_fails_only_those_who_wanted_into_it(producer: Producer, recorder: Recorder) -> None:
    recorder.full = {"full"}
    outcomes = await asyncio.gather(
        producer.publish([job("a")]),
        producer.publish([job("b", "full")]),
        producer.publish([job("c"), job("d", "full")]),
        return_exceptions=True,
    )
    assert outcomes[0] is None
    assert isinstance(outcomes[1], BrokerFullError)
    assert isinstance(outcomes[2], BrokerFullError)
    await producer.publish([job("e")])


async def test_who_gives_up_before_the_publish_is_not_published(producer: Producer, recorder: Recorder) -> None:
    recorder.open.clear()
    first = asyncio.ensure_future(producer.publish([job("a")]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.ensure_future(producer.publish([job("b")]))
    await asyncio.sleep(0)
    second.cancel()
    recorder.open.set()
    await first
    await producer.close()
    assert recorder.batches == [["a"]]


async def test_close_waits_for_what_was_given(producer: Producer, recorder: Recorder) -> None:
    recorder.open.clear()
    sending = asyncio.ensure_future(producer.publish([job("a")]))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(producer.close())
    await asyncio.sleep(0)
    assert not closing.done()
    recorder.open.set()
    await closing
    await sending
