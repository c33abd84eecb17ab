"""Events on their way out."""

from __future__ import annotations

import asyncio

import pytest

from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import BrokerUnavailableError
from stem_core.events import EVENTS_TOPIC, TaskReceived, decode_frame
from stem_core.reporting import FRAME_EVENTS, Frames, Reporter
from stem_core.service import cancel, spawn
from stem_core.signals import SignalContext, StemSignals
from stem_core.stores.memory import InMemoryBroker, InMemoryResultBackend
from stem_core.stores.port import FROM_START
from tests.worker.cluster import Cluster, until


class Shaky(InMemoryBroker):
    """A broker whose topics can be out of reach."""

    down = False

    async def append(self, topic: str, bodies: object, ttl: float | None = None) -> None:
        if self.down:
            raise BrokerUnavailableError("down")
        await super().append(topic, bodies, ttl)  # type: ignore[arg-type]  # handed on as it came


def event(number: int) -> TaskReceived:
    return TaskReceived(float(number), str(number), "demo", "q", 0)


async def numbers(broker: InMemoryBroker) -> tuple[list[int], list[int], int]:
    frames = [decode_frame(each.body) for each in await broker.read({EVENTS_TOPIC: FROM_START}, 1000, 0)]
    ids = [int(each.id) for frame in frames for each in frame.events if isinstance(each, TaskReceived)]
    return ids, [frame.seq for frame in frames], frames[-1].dropped if frames else 0


async def test_frames_are_bounded_and_numbered_through() -> None:
    async with Shaky() as broker:
        frames = Frames(broker, "w", "b", SYSTEM_CLOCK)
        for number in range(FRAME_EVENTS * 5 + 7):
            frames.record(event(number))
        await frames.flush()
        ids, seqs, _ = await numbers(broker)
    assert ids == list(range(FRAME_EVENTS * 5 + 7))
    assert seqs == [FRAME_EVENTS * number for number in range(6)]


async def test_an_outage_repeats_nothing_and_counts_what_had_no_room() -> None:
    async with Shaky() as broker:
        frames = Frames(broker, "w", "b", SYSTEM_CLOCK, capacity=10)
        frames.record(event(0))
        broker.down = True
        with pytest.raises(BrokerUnavailableError):
            await frames.flush()
        for number in range(1, 15):
            frames.record(event(number))
        broker.down = False
        await frames.flush()
        frames.record(event(99))
        await frames.flush()
        ids, seqs, dropped = await numbers(broker)
    assert ids == [*range(11), 99]
    assert (seqs, dropped) == ([0, 1, 11], 4)


async def test_the_publisher_comes_back_by_itself() -> None:
    async with Shaky() as broker:
        frames = Frames(broker, "w", "b", SYSTEM_CLOCK)
        broker.down = True
        loop = spawn(frames.run(), "frames")
        frames.record(event(0))
        await asyncio.sleep(0.15)
        broker.down = False

        async def arrived() -> bool:
            return (await numbers(broker))[0] == [0]

        await until(arrived)
        await cancel(loop)


async def test_a_slow_listener_makes_no_caller_wait_and_hears_everything_in_order() -> None:
    heard: list[str] = []
    async with Shaky() as broker:
        reporter = Reporter(Frames(broker, "w9", "b", SYSTEM_CLOCK), "w9")
        relay = spawn(reporter.relay(), "relay")

        async def slow(payload: TaskReceived, _ctx: SignalContext) -> None:
            await asyncio.sleep(0.002)
            heard.append(payload.id)

        with StemSignals.on_task_received(slow, worker_id="w9"):
            for number in range(5):
                reporter.tell(event(number))
            assert heard == []
            await reporter.caught_up()
        await cancel(relay)
    assert heard == ["0", "1", "2", "3", "4"]


async def test_signals_come_in_order_around_a_task(memory: Cluster) -> None:
    heard: list[tuple[str, object]] = []

    def listen(_payload: object, ctx: SignalContext) -> None:
        heard.append((ctx.name, ctx.result))

    async def work() -> int:
        heard.append(("runs", None))
        return 7

    memory.task("work", work)
    with (
        StemSignals.on_task_prerun(listen, worker_id="signals-worker"),
        StemSignals.on_task_postrun(listen, worker_id="signals-worker"),
        StemSignals.on_task_succeeded(listen, worker_id="signals-worker", task_name="work"),
        StemSignals.on_worker_ready(listen, worker_id="signals-worker"),
    ):
        worker = await memory.worker(consumer_name="signals-worker")
        await memory.ended(await memory.send("work"))
        await worker.shutdown()
    assert heard == [
        ("worker_ready", None), ("task_prerun", None), ("runs", None), ("task_postrun", 7), ("task_succeeded", 7),
    ]  # fmt: skip


async def test_what_an_operator_should_know_of_either_store_is_in_the_workers_log(
    namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    broker, backend = InMemoryBroker(namespace), InMemoryResultBackend()
    broker.warnings, backend.warnings = ("jobs may be lost",), ("results are not verified", "jobs may be lost")
    cluster = Cluster(broker)
    with caplog.at_level("WARNING", "stem.worker"):
        await cluster.worker(backend=backend)
    assert caplog.messages == ["jobs may be lost", "results are not verified"]
    await cluster.close()
