from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stem_core.delivery import Delivery
from stem_core.envelope import Envelope
from stem_core.errors import RetryRequested, SoftTimeLimitExceeded, TaskCancelled, UsageError
from stem_core.tasks import FunctionTaskHandler, RunControl, TaskContext


class Outbox:
    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, object] | None, dict[str, Any]]] = []

    async def enqueue(self, name: str, args: dict[str, object] | None = None, **options: Any) -> str:
        self.sent.append((name, args, options))
        return "child"


def context(control: RunControl | None = None, enqueuer: Outbox | None = None, **fields: Any) -> TaskContext:
    envelope = Envelope(id="t1", name="demo", args={"n": 1}, **fields)
    delivery = Delivery(id="t1", queue="q", body=b"", attempt=2, deliveries=4, owner="w", token="9-1")
    return TaskContext(envelope, delivery, "w1", control or RunControl(), enqueuer)


def test_it_tells_what_is_known_of_the_run() -> None:
    run = context(headers={"a": "b"})
    assert (run.id, run.name, run.queue, run.attempt, run.deliveries) == ("t1", "demo", "q", 2, 4)
    assert (run.args, run.headers, run.token, run.worker) == ({"n": 1}, {"a": "b"}, "9-1", "w1")


@pytest.mark.parametrize("point", ["heartbeat", "checkpoint", "progress"])
def test_a_task_told_to_stop_hears_it_at_each_kind_of_checkpoint(point: str) -> None:
    control = RunControl()
    run = context(control)
    call = (lambda: run.progress(0.5)) if point == "progress" else getattr(run, point)
    call()
    control.stop = TaskCancelled("revoked")
    for _ in range(2):
        with pytest.raises(TaskCancelled):
            call()


def test_a_soft_limit_is_told_once_so_that_the_task_can_clean_up() -> None:
    control = RunControl()
    control.stop = SoftTimeLimitExceeded("too long")
    run = context(control)
    with pytest.raises(SoftTimeLimitExceeded):
        run.checkpoint()
    run.checkpoint()


def test_progress_is_bounded_and_its_note_harmless() -> None:
    control = RunControl()
    context(control).progress(7, "a\x1b[2Jb\ud800")
    assert control.fraction == 1.0
    assert control.note == "a\\x1b[2Jb\\ud800"


def test_retry_takes_seconds_or_a_timedelta() -> None:
    with pytest.raises(RetryRequested) as caught:
        context().retry(timedelta(minutes=1), "later")
    assert (caught.value.delay, caught.value.reason) == (60.0, "later")


async def test_a_child_task_knows_its_parent_and_root() -> None:
    outbox = Outbox()
    run = context(enqueuer=outbox, meta={"stem.rootTaskId": "t0"})
    assert await run.enqueue("child", {"x": 1}, meta={"mine": True}, queue="low") == "child"
    name, args, options = outbox.sent[0]
    assert (name, args, options["queue"]) == ("child", {"x": 1}, "low")
    assert options["meta"] == {"mine": True, "stem.parentTaskId": "t1", "stem.rootTaskId": "t0"}


async def test_a_context_without_an_enqueuer_says_so() -> None:
    with pytest.raises(UsageError, match="cannot enqueue"):
        await context().enqueue("child")


async def test_a_function_gets_the_context_only_if_it_asks_for_it() -> None:
    def plain(n: int) -> int:
        return n

    def asking(context: TaskContext, n: int) -> tuple[str, int]:
        return context.id, n

    assert FunctionTaskHandler("p", plain).call(context(), {"n": 3}) == 3
    assert FunctionTaskHandler("a", asking).call(context(), {"n": 3}) == ("t1", 3)
