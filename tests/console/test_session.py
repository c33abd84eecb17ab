import asyncio
import time
from pathlib import Path

import pytest

from stem_core import FunctionTaskHandler, InMemoryBroker, SimpleTaskRegistry, Stem, TaskOptions, Worker
from stem_core.client import ClusterClient
from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import BrokerUnavailableError
from stem_core.states import TaskState
from stem_tui.actions import Target, find_action, plan
from stem_tui.demo import APP, DemoSource
from stem_tui.session import TICK, Session
from stem_tui.settings import ConsoleSettings
from stem_tui.store import EffectState, LinkState, ReceiptState

BUSY = 2.0
"""Seconds that a busy machine may add."""


class Flaky:
    """A source over one broker that can be taken away."""

    location = "memory"
    refuses_local_workers = "in memory"

    def __init__(self, broker: InMemoryBroker) -> None:
        self.broker = broker
        self.gone = False
        self.clients: list[ClusterClient] = []

    async def connect(self) -> ClusterClient:
        if self.gone:
            raise BrokerUnavailableError("connection refused")
        client = ClusterClient(self.broker, issuer="ann@bastion")
        original = client.ping

        async def ping() -> float:
            if self.gone:
                raise BrokerUnavailableError("connection refused")
            return await original()

        client.ping = ping
        return client

    async def close(self) -> None:
        pass


async def until(condition, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.01)


def registry() -> SimpleTaskRegistry:
    async def nap(context, seconds: float) -> str:
        for _ in range(int(seconds * 50)):
            context.checkpoint()
            await asyncio.sleep(0.02)
        return "rested"

    return SimpleTaskRegistry().register(FunctionTaskHandler("nap", nap, TaskOptions(queue="naps")))


@pytest.fixture
async def cluster():
    broker = InMemoryBroker()
    worker = Worker(
        broker=broker, registry=registry(), queue="naps", consumer_name="w1", concurrency=2, heartbeat_interval=0.2
    )
    await worker.start()
    source = Flaky(broker)
    session = Session(ConsoleSettings(issuer="ann@bastion"), source)
    session.start()
    async with Stem(broker=broker, registry=registry()) as stem:
        await until(lambda: "w1" in session.model.workers)
        yield session, stem, source
    await session.close()
    await worker.shutdown()
    await broker.close()


async def do(session: Session, action_id: str, target: Target, **values: str):
    made = plan(find_action(action_id), session, target)
    return await made.run({**made.initial(), **values})


async def seen(receipt) -> None:
    await until(lambda: receipt.effect_state is not EffectState.WAITING)
    assert receipt.effect_state is EffectState.SEEN


async def test_pause_is_acked_by_name_and_its_effect_is_seen(cluster):
    session, stem, _ = cluster
    await stem.enqueue("nap", {"seconds": 0.01})
    await until(lambda: "naps" in session.model.queues)
    receipt = await do(session, "queue.pause", Target("queue", "naps"), reason="deploy")
    assert (receipt.state, [ack.worker for ack in receipt.acks]) == (ReceiptState.ACKED, ["w1"])
    await seen(receipt)
    pause = session.model.queues["naps"].stats.paused
    assert (pause.by, pause.reason) == ("ann@bastion", "deploy")
    undone = await do(session, "undo", Target())
    assert receipt.undone
    await seen(undone)
    assert session.model.queues["naps"].stats.paused is None


async def test_scale_and_drain_take_effect(cluster):
    session, _, _ = cluster
    receipt = await do(session, "worker.scale", Target("worker", "w1"), slots="5")
    await seen(receipt)
    assert session.model.workers["w1"].snapshot.concurrency == 5
    await seen(await do(session, "worker.drain", Target("worker", "w1")))
    await until(lambda: "w1" not in session.model.workers)
    assert session.model.crew.departed == 1


async def test_a_terminated_task_ends_as_cancelled(cluster):
    session, stem, _ = cluster
    task_id = await stem.enqueue("nap", {"seconds": 30})
    session.watch_task(task_id)
    await until(lambda: session.model.detail is not None and session.model.detail.status.state is TaskState.RUNNING)
    receipt = await do(session, "task.terminate", Target("task", task_id))
    await seen(receipt)
    await until(lambda: session.model.detail.status.state is TaskState.CANCELLED)


async def test_the_session_comes_back_when_the_broker_does(cluster):
    session, stem, source = cluster
    source.gone = True
    session.refresh()
    await until(lambda: session.model.link.state is LinkState.DOWN)
    assert "w1" in session.model.workers
    assert session.model.link.reason == "connection refused"
    before = session.model.events.total
    await stem.enqueue("nap", {"seconds": 0.01})
    source.gone = False
    began = time.monotonic()
    await until(lambda: session.model.link.is_live)
    assert time.monotonic() - began < 2.0 + BUSY
    await until(lambda: session.model.events.total > before)
    assert session.model.events.missed == 0


async def test_a_broker_that_is_down_at_the_start_is_tried_for_ever():
    source = Flaky(InMemoryBroker())
    source.gone = True
    session = Session(ConsoleSettings(), source)
    session.start()
    await until(lambda: session.model.link.tries >= 3)
    assert session.model.link.state is LinkState.CONNECTING
    source.gone = False
    await until(lambda: session.model.link.is_live)
    await session.close()


class Ahead:
    """The real clock, and some seconds more."""

    def __init__(self) -> None:
        self.more = 0.0

    def time(self) -> float:
        return SYSTEM_CLOCK.time() + self.more

    def monotonic(self) -> float:
        return SYSTEM_CLOCK.monotonic() + self.more

    async def sleep(self, seconds: float) -> None:
        await SYSTEM_CLOCK.sleep(seconds)


async def test_an_armed_console_is_read_only_again_a_quarter_of_an_hour_after_its_last_command():
    clock = Ahead()
    session = Session(ConsoleSettings(read_only=True, armable=True), Flaky(InMemoryBroker()), clock)
    session.start()
    session.arm()
    clock.more = 800.0
    session.commander.open_receipt("pause", "naps")
    clock.more = 1600.0
    await asyncio.sleep(2 * TICK)
    assert not session.model.identity.read_only
    clock.more = 1800.0
    await until(lambda: session.model.identity.read_only)
    await session.close()


async def test_an_inspected_worker_tells_its_tasks_and_which_of_them_are_revoked(cluster):
    session, stem, _ = cluster
    task_id = await stem.enqueue("nap", {"seconds": 30})
    await until(lambda: task_id in session.model.crew.running())
    await session.commander.control.revoke([task_id], reason="dup")
    receipt = await do(session, "worker.inspect", Target("worker", "w1"))
    assert receipt.note.startswith("running, 1 task, 1 revoked, in ")
    answer = session.model.inspection
    assert [task.id for task in answer.snapshot.running] == [task_id]
    assert [(one.id, one.by, one.reason) for one in answer.revoked] == [(task_id, "ann@bastion", "dup")]
    await do(session, "task.terminate", Target("task", task_id))


async def test_the_demo_lives_and_stops_cleanly():
    source = DemoSource()
    session = Session(ConsoleSettings(demo=True, config=source.config), source)
    session.start()
    await until(lambda: session.model.events.total > 20 and len(session.model.workers) == 3)
    await until(lambda: {"payments", "emails"} <= session.model.queues.keys())
    thread, folder = source._thread, Path(source.location.removeprefix("sqlite://")).parent
    assert folder.exists()
    await session.close()
    assert not thread.is_alive()
    assert not folder.exists()


async def test_a_worker_process_joins_the_demo_with_what_the_demo_says_it_needs():
    source = DemoSource()
    session = Session(ConsoleSettings(demo=True, config=source.config, app=APP), source)
    session.start()
    await until(lambda: len(session.model.workers) == 3)
    receipt = await do(session, "local.start", Target("queue", "emails"), app=APP, slots="2")
    await until(lambda: receipt.target_key in session.model.workers, 20.0)
    await until(lambda: session.model.workers[receipt.target_key].snapshot.succeeded > 0, 20.0)
    shown = plan(find_action("queue.pause"), session, Target("queue", "emails")).command
    assert shown.endswith(f"--broker {source.location} --namespace demo")
    await session.close()
