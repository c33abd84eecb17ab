from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from stem_core import events
from stem_core.errors import ConfigurationError, UsageError
from stem_core.events import TaskReceived, TaskSucceeded, WorkerReady
from stem_core.signals import EVENTS_BY_NAME, SignalContext, StemSignals


@pytest.fixture(autouse=True)
def _signals_on() -> Iterator[None]:
    yield
    StemSignals.configure()


def received(task: str = "demo") -> TaskReceived:
    return TaskReceived(1.0, "t1", task, "q", 0)


async def test_a_listener_gets_the_event_and_its_context() -> None:
    heard: list[tuple[object, str]] = []
    with StemSignals.on_task_received(lambda payload, ctx: heard.append((payload, ctx.name))):
        await StemSignals.emit(received())
    await StemSignals.emit(received())
    assert heard == [(received(), "task_received")]


async def test_a_coroutine_listener_is_awaited() -> None:
    heard: list[str] = []

    async def listen(payload: TaskReceived, _ctx: SignalContext) -> None:
        heard.append(payload.id)

    with StemSignals.on_task_received(listen):
        await StemSignals.emit(received())
    assert heard == ["t1"]


async def test_filters_choose_by_worker_and_task() -> None:
    heard: list[str] = []
    with (
        StemSignals.on_task_received(lambda _p, _c: heard.append("worker"), worker_id="w1"),
        StemSignals.on_task_received(lambda _p, _c: heard.append("task"), task_name="demo"),
        StemSignals.on_worker_ready(lambda _p, _c: heard.append("ready"), worker_id="w2"),
    ):
        await StemSignals.emit(received(), SignalContext("task_received", "w1"))
        await StemSignals.emit(received("other"), SignalContext("task_received", "w2"))
        await StemSignals.emit(WorkerReady(1.0, "w2", ("q",), (), 1))
    assert heard == ["worker", "task", "ready"]


def test_a_filter_the_event_has_no_field_for_is_refused() -> None:
    with pytest.raises(UsageError, match="worker_ready cannot be filtered by task_name"):
        StemSignals.on_worker_ready(lambda _p, _c: None, task_name="demo")


async def test_once_means_once_and_higher_priorities_come_first() -> None:
    heard: list[str] = []
    with (
        StemSignals.on_task_received(lambda _p, _c: heard.append("low"), priority=-1),
        StemSignals.on_task_received(lambda _p, _c: heard.append("once"), once=True),
        StemSignals.on_task_received(lambda _p, _c: heard.append("high"), priority=5),
    ):
        await StemSignals.emit(received())
        await StemSignals.emit(received())
    assert heard == ["high", "once", "low", "high", "low"]


async def test_a_listener_can_keep_the_event_from_those_after_it() -> None:
    heard: list[str] = []
    with (
        StemSignals.on_task_received(lambda _p, c: c.cancel(), priority=1),
        StemSignals.on_task_received(lambda _p, _c: heard.append("later")),
    ):
        await StemSignals.emit(received())
    assert heard == []


async def test_a_failing_listener_is_logged_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def fail(_payload: TaskReceived, _ctx: SignalContext) -> None:
        raise RuntimeError("listener broke")

    with StemSignals.on_task_received(fail), StemSignals.on_task_received(lambda _p, _c: heard.append("still")):
        await StemSignals.emit(received())
    assert heard == ["still"]
    assert "a listener of task_received failed" in caplog.text


async def test_signals_can_be_switched_off_by_name_or_altogether() -> None:
    heard: list[str] = []
    with StemSignals.on_task_received(lambda _p, _c: heard.append("received")):
        StemSignals.configure(disabled=["task_received"])
        await StemSignals.emit(received())
        StemSignals.configure(enabled=False)
        assert not StemSignals.listening(TaskReceived)
        StemSignals.configure()
        await StemSignals.emit(received())
    assert heard == ["received"]


def test_switching_off_what_does_not_exist_names_it() -> None:
    with pytest.raises(ConfigurationError, match="task_recieved"):
        StemSignals.configure(disabled=["task_recieved"])


def test_every_event_has_its_connector() -> None:
    kinds = {kind for union in get_args(events.Event) for kind in (get_args(union) or (union,))}
    assert set(EVENTS_BY_NAME.values()) == kinds


def test_cancelling_twice_ends_it_once() -> None:
    subscription = StemSignals.on_task_succeeded(lambda _p, _c: None)
    assert StemSignals.listening(TaskSucceeded)
    assert subscription.cancel()
    assert not subscription.cancel()
    assert not StemSignals.listening(TaskSucceeded)
