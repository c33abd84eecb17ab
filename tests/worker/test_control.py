"""Commands, and how a worker answers them."""

from __future__ import annotations

import asyncio
import time

import pytest

from stem_core.commands import (
    CONTROL_TOPIC,
    Command,
    Drain,
    Inspect,
    PauseQueues,
    Ping,
    ResumeQueues,
    Revoke,
    Scale,
    Shutdown,
    ShutdownMode,
    Stats,
    Undrain,
    encode_command,
)
from stem_core.delivery import Pause, Revocation
from stem_core.envelope import new_task_id
from stem_core.events import ControlCommandCompleted, ControlCommandReceived, WorkerScaled, WorkerStopping
from stem_core.results import TaskRecord, encode_record
from stem_core.states import TaskState
from stem_core.tasks import TaskContext
from tests.worker.cluster import Cluster, until


async def sleepy() -> None:
    await asyncio.sleep(30)


async def test_each_worker_answers_and_a_named_one_alone(cluster: Cluster) -> None:
    for _ in range(3):
        await cluster.worker()
    answers = await cluster.command(Ping(), replies=3)
    assert {answer.worker for answer in answers} == {"w1", "w2", "w3"}
    (answer,) = await cluster.command(Ping(), targets=("w2",))
    assert (answer.worker, answer.status) == ("w2", "ok")
    assert answer.payload == {"state": "running", "queues": ["default"], "inflight": 0}


async def test_an_expired_command_is_refused(cluster: Cluster) -> None:
    worker = await cluster.worker()
    (answer,) = await cluster.command(Drain(), expires_at=await cluster.broker.time() - 1)
    assert answer.status == "refused"
    assert "expired" in answer.error
    assert worker.snapshot().state == "running"


async def test_a_command_from_before_its_start_does_not_hit_a_worker(cluster: Cluster) -> None:
    before = Command(id=new_task_id(), order=Shutdown(), issuer="test")
    await cluster.broker.append(CONTROL_TOPIC, [encode_command(before)])
    worker = await cluster.worker()
    await cluster.command(Ping())
    assert worker.snapshot().state == "running"


async def test_nonsense_on_the_control_topic_hurts_nobody(memory: Cluster) -> None:
    await memory.worker()
    await memory.broker.append(CONTROL_TOPIC, [b"\xff", b"{}", b"[" * 5000])
    assert len(await memory.command(Ping())) == 1


async def test_stats_and_inspect_tell_what_runs(cluster: Cluster) -> None:
    async def work(context: TaskContext) -> None:
        context.progress(0.5, "half")
        await asyncio.sleep(30)

    cluster.task("work", work)
    worker = await cluster.worker()
    task_id = await cluster.send("work")
    await until(lambda: worker.snapshot().running and worker.snapshot().running[0].progress)
    (answer,) = await cluster.command(Inspect())
    running = answer.payload["snapshot"]["running"]  # type: ignore[index]  # JSON
    assert (running[0]["id"], running[0]["progress"], running[0]["note"]) == (task_id, 0.5, "half")
    assert answer.payload["revoked"] == []
    assert answer.payload["rates"] == {}
    assert answer.payload["scaling"] == {"min": None, "max": None, "last": None}
    (answer,) = await cluster.command(Stats())
    assert answer.payload["snapshot"]["inflight"] == {"default": 1}  # type: ignore[index]  # JSON


@pytest.mark.parametrize("kind", ["inline", "thread"])
async def test_a_terminated_task_is_cancelled_while_it_runs(memory: Cluster, kind: str) -> None:
    def blocking(context: TaskContext) -> None:
        while True:
            time.sleep(0.005)
            context.heartbeat()

    memory.task("work", sleepy if kind == "inline" else blocking)
    worker = await memory.worker()
    task_id = await memory.send("work")
    await until(lambda: worker.snapshot().active)
    (answer,) = await memory.command(Revoke((Revocation(id=task_id, by="ann", reason="wrong"),)))
    assert answer.payload == {"cancelled": [], "terminating": [], "ignored": [task_id]}
    order = Revoke((Revocation(id=task_id, by="ann", reason="wrong", terminate=True),))
    (answer,) = await memory.command(order)
    assert answer.payload["terminating"] == [task_id]
    status = await memory.ended(task_id)
    assert (status.state, status.reason) == (TaskState.CANCELLED, "wrong")


async def test_a_job_revoked_before_its_start_is_cancelled_at_once(cluster: Cluster) -> None:
    cluster.task("work", sleepy)
    worker = await cluster.worker(concurrency=1, prefetch_multiplier=3)
    await cluster.send("work")
    await until(lambda: worker.snapshot().active)
    waiting = await cluster.send("work")
    await until(lambda: worker.snapshot().held == 2)
    (answer,) = await cluster.command(Revoke((Revocation(id=waiting, reason="no"),)))
    assert answer.payload["cancelled"] == [waiting]
    assert (await cluster.ended(waiting)).state is TaskState.CANCELLED


async def test_a_missed_revocation_is_found_with_the_next_heartbeat(cluster: Cluster) -> None:
    cluster.task("work", sleepy)
    worker = await cluster.worker()
    task_id = await cluster.send("work")
    await until(lambda: worker.snapshot().active)
    record = encode_record(TaskRecord(state=TaskState.CANCELLED, envelope=b"null"))  # type: ignore[arg-type]
    revocation = Revocation(id=task_id, terminate=True, until=time.time() + 60)
    assert await cluster.broker.revoke([revocation], {task_id: record}) == ["pending"]
    assert (await cluster.ended(task_id)).state is TaskState.CANCELLED


async def test_a_paused_queue_gets_its_unstarted_jobs_back(cluster: Cluster) -> None:
    cluster.task("work", sleepy)
    worker = await cluster.worker(concurrency=1, prefetch_multiplier=4)
    for _ in range(4):
        await cluster.send("work")
    await until(lambda: worker.snapshot().held == 4 and worker.snapshot().active == 1)
    await cluster.broker.pause(["default"], Pause(by="ann"))
    (answer,) = await cluster.command(PauseQueues(("default", "other")))
    assert answer.payload == {"queues": ["default"], "returned": 3}
    await until(lambda: worker.snapshot().held == 1)
    assert (await cluster.broker.stats(["default"]))[0].ready == 3
    await cluster.broker.resume(["default"])
    await cluster.command(ResumeQueues(("default",)))
    await until(lambda: worker.snapshot().held == 4)


async def test_scaling_changes_slots_and_says_so(cluster: Cluster) -> None:
    cluster.task("work", sleepy)
    worker = await cluster.worker(concurrency=1, prefetch_multiplier=2)
    for _ in range(8):
        await cluster.send("work")
    (answer,) = await cluster.command(Scale(concurrency=3))
    assert answer.payload == {"before": 1, "after": 3, "min": None, "max": None}
    await until(lambda: (worker.snapshot().active, worker.snapshot().held) == (3, 6))
    (answer,) = await cluster.command(Scale(concurrency=2))
    await until(lambda: worker.snapshot().held == 4)
    (answer,) = await cluster.command(Inspect())
    last = answer.payload["scaling"]["last"]  # type: ignore[index]  # JSON
    assert (last["before"], last["after"], last["reason"]) == (3, 2, "command of test")
    (answer,) = await cluster.command(Scale(concurrency=0))
    assert answer.status == "error"
    assert "1 to" in answer.error
    await worker.shutdown(ShutdownMode.HARD)
    scaled = await cluster.events(WorkerScaled)
    assert [(event.before, event.after) for event in scaled if isinstance(event, WorkerScaled)] == [(1, 3), (3, 2)]


async def test_a_drain_hands_back_and_can_be_taken_back(cluster: Cluster) -> None:
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()

    cluster.task("work", work)
    worker = await cluster.worker(concurrency=1, prefetch_multiplier=3)
    ids = [await cluster.send("work") for _ in range(3)]
    await until(lambda: worker.snapshot().held == 3 and worker.snapshot().active == 1)
    (answer,) = await cluster.command(Drain())
    assert answer.payload == {"state": "draining", "active": 1, "returned": 2}
    await until(lambda: worker.snapshot().held == 1)
    (answer,) = await cluster.command(Ping())
    assert answer.payload["state"] == "draining"
    (answer,) = await cluster.command(Undrain())
    assert answer.payload["state"] == "running"
    go.set()
    for each in ids:
        assert (await cluster.ended(each)).worker == "w1"


async def test_a_drained_worker_finishes_and_leaves_no_trace_but_its_events(cluster: Cluster) -> None:
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "done"

    cluster.task("work", work)
    worker = await cluster.worker()
    task_id = await cluster.send("work")
    await until(lambda: worker.snapshot().active)
    running = asyncio.ensure_future(worker.run())
    await cluster.command(Drain())
    assert not running.done()
    go.set()
    await asyncio.wait_for(running, 20)
    assert (await cluster.ended(task_id)).result == "done"
    assert await cluster.broker.presences() == []
    events = await cluster.events(WorkerStopping, ControlCommandReceived, ControlCommandCompleted)
    assert [type(event).__name__ for event in events] == [
        "ControlCommandReceived",
        "WorkerStopping",
        "ControlCommandCompleted",
    ]
