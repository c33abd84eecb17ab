"""What is refused is told once in full, then as a number a minute; what is counted stays exact."""

from __future__ import annotations

import logging

import pytest

from stem_core.commands import CONTROL_TOPIC
from stem_core.envelope import Envelope, new_task_id, seal
from stem_core.events import EVENTS_TOPIC
from stem_core.refusals import PERIOD, RefusalLog
from tests.signing.signers import SignedCluster
from tests.worker.cluster import until

MANY = 500
LOG = logging.getLogger("stem.worker")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_flood_of_forged_jobs_makes_two_lines_and_exact_counts(
    cluster: SignedCluster, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await cluster.worker(concurrency=8)
    await cluster.broker.publish([seal(Envelope(id=new_task_id(), name="work")) for _ in range(MANY)])
    await until(lambda: worker.snapshot().refused == MANY)
    await worker.shutdown()
    first, rest = lines(caplog)
    assert "is refused: it is not signed" in first
    assert f"{MANY - 1} more tasks were refused (signature-missing)" in rest
    (stats,) = await cluster.broker.stats(["default"])
    assert stats.dead == MANY


async def test_a_flood_of_forged_commands_too(memory: SignedCluster, caplog: pytest.LogCaptureFixture) -> None:
    worker = await memory.worker()
    await memory.broker.append(CONTROL_TOPIC, [b"nonsense"] * MANY)
    await until(lambda: worker.snapshot().refused == MANY)
    await worker.shutdown()
    first, rest = lines(caplog)
    assert "no command" in first
    assert f"{MANY - 1} more commands were refused (unreadable)" in rest
    assert await memory.broker.tail(EVENTS_TOPIC)


class StoppedClock:
    """A clock whose sleeps last until they are ended."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def time(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        raise EndOfTest


class EndOfTest(Exception):  # noqa: N818 - ends a loop
    """The loop went around."""


def test_each_kind_is_told_apart_and_in_full_again_after_a_quiet_minute(caplog: pytest.LogCaptureFixture) -> None:
    refusals = RefusalLog(LOG)
    for number in range(3):
        refusals.tell("tasks", "signature-missing", f"task {number} is refused")
        refusals.tell("tasks", "signature-invalid", f"task {number} is forged")
    refusals.summarise()
    refusals.summarise()
    refusals.tell("tasks", "signature-missing", "task 9 is refused")
    assert lines(caplog) == [
        "task 0 is refused",
        "task 0 is forged",
        "2 more tasks were refused (signature-missing), the last: task 2 is refused",
        "2 more tasks were refused (signature-invalid), the last: task 2 is forged",
        "task 9 is refused",
    ]


def test_what_strangers_wrote_is_made_visible(caplog: pytest.LogCaptureFixture) -> None:
    refusals = RefusalLog(LOG)
    for _ in range(2):
        refusals.tell("tasks", "signature-missing", "task \x1b[2J\n is refused")
    refusals.summarise()
    assert not any("\x1b" in line or "\n" in line for line in lines(caplog))


async def test_a_summary_is_made_each_minute_and_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    clock = StoppedClock()
    refusals = RefusalLog(LOG, clock)
    refusals.tell("tasks", "signature-missing", "one")
    refusals.tell("tasks", "signature-missing", "two")
    with pytest.raises(EndOfTest):
        await refusals.run()
    assert clock.slept == [PERIOD]
    assert lines(caplog)[-1].endswith("the last: two")
