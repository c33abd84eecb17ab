"""What a program hands in by mistake is an error that names it, where it is handed in."""

from __future__ import annotations

from typing import Any

import pytest

from stem_core import (
    FunctionTaskHandler,
    InMemoryBroker,
    SimpleTaskRegistry,
    Stem,
    TaskHandler,
    Worker,
    WorkerAutoscaleConfig,
    WorkerLifecycleConfig,
)
from stem_core.errors import StemError, UsageError


class EmailTask(TaskHandler[None]):
    name = "email.send"

    async def call(self, context: object, args: object) -> None: ...


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_concurrency", "2"),
        ("max_concurrency", 2.5),
        ("scale_up_step", 0),
        ("tick", "1s"),
        ("tick", 0),
        ("idle_period", -1),
        ("scale_up_cooldown", float("nan")),
        ("backlog_per_slot", "x"),
        ("backlog_per_slot", 0),
    ],
)
def test_how_a_worker_scales(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"^{name} "):
        WorkerAutoscaleConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("soft_grace_period", "3s"), ("terminate_grace_period", -1), ("max_tasks_per_child", "3")]
)
def test_how_a_worker_ends(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"^{name} "):
        WorkerLifecycleConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("concurrency", "4"),
        ("concurrency", 2.5),
        ("prefetch_multiplier", "2"),
        ("heartbeat_interval", "2 s"),
        ("broker", "redis://:password@localhost"),
        ("app", Stem(broker=InMemoryBroker())),
    ],
)
def test_what_a_worker_is_made_of(name: str, value: Any) -> None:
    settings = {"broker": InMemoryBroker(), "registry": SimpleTaskRegistry(), name: value}
    with pytest.raises(StemError, match=f"{name}|'2 s' is no duration") as caught:
        Worker(**settings)
    assert "password" not in str(caught.value)


def test_an_address_as_a_broker() -> None:
    with pytest.raises(UsageError, match=r"Stem\.from_url"):
        Stem(broker="redis://localhost")  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("handler", [EmailTask, lambda: None, 3])
def test_a_handler_that_is_none(handler: Any) -> None:
    with pytest.raises(UsageError, match=r"EmailTask\(\)"):
        SimpleTaskRegistry().register(handler)


def test_options_that_are_none() -> None:
    handler = FunctionTaskHandler("a", lambda: None, {"queue": "q"})  # type: ignore[arg-type]  # what is tested
    with pytest.raises(UsageError, match=r"what task 'a' has as options is \{'queue': 'q'\}: give TaskOptions"):
        SimpleTaskRegistry().register(handler)


async def test_a_time_to_wait() -> None:
    stem = Stem(broker=InMemoryBroker())
    with pytest.raises(UsageError, match="'5s' is no duration"):
        await stem.wait_for("a", timeout="5s")  # type: ignore[arg-type]  # what is tested
