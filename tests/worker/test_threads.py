"""Blocking handlers, each in a thread of the worker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable

import pytest

from stem_core.commands import Revoke
from stem_core.delivery import Revocation
from stem_core.errors import SoftTimeLimitExceeded
from stem_core.states import TaskState
from tests.worker.cluster import Cluster, until


async def test_a_thread_that_cannot_be_started_costs_its_task_nothing(
    memory: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    start = threading.Thread.start

    def fails_once(thread: threading.Thread) -> None:
        if thread.name.startswith("task-"):
            tries.append(thread.name)
            if len(tries) == 1:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fails_once)
    memory.task("block", lambda: 1)
    await memory.worker()
    status = await memory.ended(await memory.send("block"))
    assert (status.state, status.attempt, len(tries)) == (TaskState.SUCCEEDED, 0, 2)


async def test_a_function_that_wraps_a_coroutine_function_has_its_limits_and_can_be_terminated(memory: Cluster) -> None:
    async def nap(partial: bool = False) -> str:
        try:
            await asyncio.sleep(30)
        except SoftTimeLimitExceeded:
            if not partial:
                raise
        return "partial"

    def wrapped(partial: bool = False) -> Awaitable[str]:
        return nap(partial)

    memory.task("soft", wrapped, soft_time_limit=0.05)
    memory.task("hard", wrapped, hard_time_limit=0.05)
    memory.task("endless", wrapped)
    worker = await memory.worker()
    assert (await memory.ended(await memory.send("soft", {"partial": True}))).result == "partial"
    for name, kind in (("soft", "SoftTimeLimitExceeded"), ("hard", "HardTimeLimitExceeded")):
        error = (await memory.ended(await memory.send(name))).error
        assert error is not None
        assert error.type.endswith(kind)
    task_id = await memory.send("endless")
    await until(lambda: worker.snapshot().active == 1)
    await memory.command(Revoke((Revocation(id=task_id, terminate=True),)))
    assert (await memory.ended(task_id)).state is TaskState.CANCELLED
