"""Commands: sent to whom, waited for how long, and who is said to be missing. Answers are written by hand here."""

from __future__ import annotations

import asyncio

import pytest

from stem_core import ControlClient, InMemoryBroker
from stem_core.client import ClusterClient
from stem_core.client.answers import Answer
from stem_core.commands import CONTROL_TOPIC, Command, Reply, Revoke, decode_command, encode_reply, reply_topic
from stem_core.delivery import Subscription
from stem_core.envelope import Envelope, seal
from stem_core.errors import UsageError
from stem_core.snapshot import RunningTask, WorkerSnapshot, encode_snapshot
from stem_core.states import TaskState
from stem_core.stores.port import FROM_START


@pytest.fixture
def broker() -> InMemoryBroker:
    return InMemoryBroker()


async def announce(broker: InMemoryBroker, *workers: str, **fields: object) -> None:
    for worker in workers:
        await broker.announce(worker, encode_snapshot(WorkerSnapshot(worker=worker, boot="b", **fields)), 60.0)  # type: ignore[arg-type]


async def answer(broker: InMemoryBroker, *workers: str, status: str = "ok") -> Command:
    """Answer the next command in the name of these workers."""
    message = (await broker.read({CONTROL_TOPIC: FROM_START}, 1, 5.0))[-1]
    command = decode_command(message.body)
    for worker in workers:
        reply = Reply(command_id=command.id, worker=worker, status=status)
        await broker.append(reply_topic(command.id), [b"noise", encode_reply(reply), encode_reply(reply)], 60.0)
    return command


async def test_it_returns_once_every_live_worker_has_answered(broker: InMemoryBroker) -> None:
    await announce(broker, "a", "b")
    heard: list[Answer] = []
    control = ControlClient(broker, issuer="ann@bastion", timeout=30)
    answering = asyncio.ensure_future(answer(broker, "b", "a"))
    async with asyncio.timeout(5):
        result = await control.send(Revoke(()), on_reply=heard.append)
    command = await answering
    assert [each.reply.worker for each in result.replies] == ["b", "a"]
    assert list(result.replies) == heard
    assert result.missing == ()
    assert result.ok
    assert command == result.command
    assert (command.issuer, command.targets) == ("ann@bastion", ())
    assert command.expires_at == pytest.approx(command.issued_at + 35)


async def test_with_nobody_alive_it_returns_at_once(broker: InMemoryBroker) -> None:
    async with asyncio.timeout(5):
        result = await ControlClient(broker, timeout=30).ping()
    assert result.replies == result.missing == ()


async def test_only_named_workers_are_waited_for(broker: InMemoryBroker) -> None:
    await announce(broker, "a", "b")
    answering = asyncio.ensure_future(answer(broker, "a"))
    async with asyncio.timeout(5):
        result = await ControlClient(broker, timeout=30).ping(targets=["a"])
    assert (await answering).targets == ("a",)
    assert result.ok


async def test_who_keeps_silent_is_missing(broker: InMemoryBroker) -> None:
    await announce(broker, "a", "b")
    answering = asyncio.ensure_future(answer(broker, "a"))
    result = await ControlClient(broker, timeout=0.05).ping()
    await answering
    assert result.missing == ("b",)
    assert not result.ok


async def test_a_worker_that_is_not_known_is_missing_at_once(broker: InMemoryBroker) -> None:
    await announce(broker, "a")
    async with asyncio.timeout(5):
        result = await ControlClient(broker, timeout=30).ping(targets=["nobody"])
    assert (result.missing, result.live) == (("nobody",), ("a",))


async def test_the_expiry_can_be_set(broker: InMemoryBroker) -> None:
    result = await ControlClient(broker).send(Revoke(()), expires=-1)
    assert result.command.expires_at == result.command.issued_at - 1


async def test_a_revoked_task_that_waits_is_cancelled_with_its_arguments(broker: InMemoryBroker) -> None:
    await broker.publish([seal(Envelope(id="t", name="a", args={"x": 1}))])
    result = await ControlClient(broker, issuer="ann").revoke(["t", "unknown"], reason="wrong")
    assert result.outcomes == {"t": "cancelled", "unknown": "pending"}
    status = await ClusterClient(broker).task("t")
    assert status is not None
    assert (status.state, status.reason, status.args) == (TaskState.CANCELLED, "wrong", {"x": 1})
    assert (await ControlClient(broker).revoke(["t"])).outcomes == {"t": "ended"}


async def test_a_pause_is_the_brokers_state_before_workers_are_told(broker: InMemoryBroker) -> None:
    control = ControlClient(broker, issuer="ann")
    result = await control.pause(["q"], reason="disk", duration=60)
    pause = (await broker.stats(["q"]))[0].paused
    assert pause is not None
    assert (pause.by, pause.reason) == ("ann", "disk")
    assert pause.until == pytest.approx(pause.since + 60, abs=5)
    assert result.command.targets == ()
    await control.resume(["q"])
    assert (await broker.stats(["q"]))[0].paused is None


async def test_all_are_told_of_a_pause_even_if_one_is_waited_for(broker: InMemoryBroker) -> None:
    await announce(broker, "a", "b")
    answering = asyncio.ensure_future(answer(broker, "a"))
    result = await ControlClient(broker, timeout=30).pause(["q"], targets=["a"])
    assert (await answering).targets == ()
    assert result.ok


async def test_orders_that_mean_nothing_are_refused(broker: InMemoryBroker) -> None:
    control = ControlClient(broker)
    with pytest.raises(UsageError, match="nothing"):
        await control.scale()
    with pytest.raises(UsageError, match="over maximum"):
        await control.scale(minimum=3, maximum=2)
    with pytest.raises(UsageError, match="concurrency is 0"):
        await control.scale(0)
    with pytest.raises(UsageError, match="no task"):
        await control.revoke([])
    with pytest.raises(UsageError, match="no queue"):
        await control.pause([])


async def test_a_task_in_flight_is_running_once_its_worker_says_so(broker: InMemoryBroker) -> None:
    cluster = ClusterClient(broker)
    await broker.publish([seal(Envelope(id="t", name="a"))])
    await broker.fetch(Subscription("w/b", ("default",)), 1, 0)
    status = await cluster.task("t")
    assert status is not None
    assert status.state is TaskState.QUEUED
    running = RunningTask(id="t", task="a", queue="default", started_at=5.0)
    await announce(broker, "w", running=(running,))
    status = await cluster.task("t")
    assert status is not None
    assert (status.state, status.worker, status.started_at) == (TaskState.RUNNING, "w", 5.0)


async def test_an_unreadable_worker_is_shown_as_such(broker: InMemoryBroker) -> None:
    await broker.announce("odd", b"{", 60.0)
    seen = (await ClusterClient(broker).workers())[0]
    assert (seen.snapshot.worker, seen.snapshot.state) == ("odd", "unreadable")


async def test_queues_are_those_used_and_those_subscribed_to(broker: InMemoryBroker) -> None:
    await broker.publish([seal(Envelope(id="t", name="a", queue="used"))])
    await announce(broker, "w", queues=("subscribed",))
    assert [queue.name for queue in await ClusterClient(broker).queues()] == ["subscribed", "used"]


async def test_entries_that_are_no_frames_are_counted(broker: InMemoryBroker) -> None:
    cluster = ClusterClient(broker)
    await broker.append("events", [b"noise"])
    batch = await cluster.events(FROM_START)
    assert (batch.frames, batch.undecodable) == ([], 1)
    assert batch.cursor == await cluster.events_tail()
