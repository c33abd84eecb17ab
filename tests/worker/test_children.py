"""Tasks in child processes: what reaches them, what comes back, and what ends them."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from stem_core.commands import Revoke, ShutdownMode
from stem_core.delivery import Revocation
from stem_core.errors import ChildStartError, ConfigurationError, UsageError
from stem_core.events import WorkerChildInit, WorkerChildShutdown
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.redis import RedisStreamsBroker
from stem_core.worker import WorkerLifecycleConfig
from stem_core.worker.children.messages import Setup
from stem_core.worker.children.process import ChildProcess
from tests.worker.child_app import APP, QUICK, stem
from tests.worker.cluster import Cluster, until

pytestmark = pytest.mark.process


@pytest.fixture
async def children(namespace: str) -> AsyncIterator[Cluster]:
    """A cluster in memory that has the tasks of the child app."""
    cluster = Cluster(InMemoryBroker(namespace, lease=1.0))
    cluster.registry = stem.registry
    yield cluster
    await cluster.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_arguments_and_facts_of_the_delivery_reach_a_child_and_results_come_back(children: Cluster) -> None:
    await children.worker(app=APP)
    value = {"text": "\u202eü", "list": [1, 2.5, None, True], "deep": {"a": {}}}
    task_id = await children.send("echo", {"value": value}, headers={"h": "1"}, meta={"m": [1]})
    assert (await children.ended(task_id)).result == [value, "w1", "default", 0, {"h": "1"}, {"m": [1]}]
    assert (await children.ended(await children.send("aecho", {"value": value}))).result == value
    large = await children.ended(await children.send("large", {"size": 5_000_000}))
    assert len(str(large.result)) == 5_000_000


async def test_children_are_kept_warm_and_are_not_more_than_run_at_once(children: Cluster) -> None:
    worker = await children.worker(app=APP, concurrency=2)
    pids = {(await children.ended(await children.send("pid"))).result for _ in range(5)}
    assert len(pids) == 1
    assert os.getpid() not in pids
    for each in [await children.send("sleep", {"seconds": 0.1}) for _ in range(6)]:
        await children.ended(each)
    assert len(worker.snapshot().children) == 2
    assert sum(child.tasks for child in worker.snapshot().children) == 11
    assert all(child.rss > 1_000_000 and not child.busy for child in worker.snapshot().children)


@pytest.mark.parametrize("name", ["raises", "araises"])
@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "CancelledError", "RecursionError", "ValueError"])
async def test_whatever_a_task_raises_is_its_failure_and_the_child_lives(
    children: Cluster, name: str, kind: str
) -> None:
    await children.worker(app=APP, concurrency=1)
    before = await children.ended(await children.send("pid"))
    status = await children.ended(await children.send(name, {"kind": kind}))
    assert status.state is TaskState.FAILED
    assert status.error is not None
    assert status.error.type.endswith(kind)
    assert "child_app.py" in status.error.traceback
    assert "stem_core/worker" not in status.error.traceback
    assert (await children.ended(await children.send("pid"))).result == before.result


@pytest.mark.parametrize(
    ("kind", "says"), [("object", "not JSON"), ("surrogate", "not JSON"), ("class", "not JSON"), ("huge", "at most")]
)
async def test_a_result_that_cannot_be_kept_is_a_failure(children: Cluster, kind: str, says: str) -> None:
    await children.worker(app=APP)
    status = await children.ended(await children.send("result", {"kind": kind}))
    assert (status.state, status.reason) == (TaskState.FAILED, "result-not-serialisable")
    assert status.error is not None
    assert says in status.error.message


async def test_retries_asked_for_and_classes_not_to_retry_work_over_the_border(children: Cluster) -> None:
    await children.worker(app=APP)
    assert (await children.ended(await children.send("flaky"))).result == 1
    assert (await children.ended(await children.send("picky"))).reason == "not-retryable"


async def test_a_task_in_a_child_enqueues_a_further_one(
    redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEM_BROKER_URL", redis_url)
    monkeypatch.setenv("STEM_WORKER_NAMESPACE", namespace)
    cluster = Cluster(await RedisStreamsBroker.connect(redis_url, namespace=namespace, lease=1.0))
    cluster.registry = stem.registry
    await cluster.worker(app=APP)
    parent_id = await cluster.send("parent")
    child = await cluster.ended(str((await cluster.ended(parent_id)).result))
    assert isinstance(child.result, list)
    assert child.result[0] == "from the child"
    assert child.result[5]["stem.parentTaskId"] == parent_id
    await cluster.close()


async def test_a_child_whose_app_has_another_broker_refuses_to_enqueue(
    children: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEM_BROKER_URL", "memory://")
    await children.worker(app=APP)
    status = await children.ended(await children.send("parent"))
    assert status.error is not None
    assert "not its worker's memory://" in status.error.message


async def test_progress_is_seen_while_a_child_runs(children: Cluster) -> None:
    worker = await children.worker(app=APP)
    await children.send("steps")
    await until(lambda: worker.snapshot().running and worker.snapshot().running[0].progress)
    assert (worker.snapshot().running[0].progress, worker.snapshot().running[0].note) == (0.25, "begun")


@pytest.mark.parametrize(
    ("name", "args"), [("soft", {"busy": True}), ("soft", {"busy": False}), ("asoft", {}), ("wraps_asoft", {})]
)
async def test_a_soft_limit_raises_inside_the_task_wherever_it_is(
    children: Cluster, name: str, args: dict[str, object]
) -> None:
    await children.worker(app=APP)
    assert (await children.ended(await children.send(name, args))).result == "partial"


async def test_a_soft_limit_that_is_not_handled_fails_the_task_and_never_hits_the_next(children: Cluster) -> None:
    await children.worker(app=APP, concurrency=1)
    status = await children.ended(await children.send("softly"))
    assert status.error is not None
    assert "SoftTimeLimitExceeded" in status.error.type
    assert (await children.ended(await children.send("sleep", {"seconds": 0.15}))).state is TaskState.SUCCEEDED


@pytest.mark.parametrize(("name", "args"), [("forever", {}), ("stuck_async", {}), ("sleep", {"seconds": 60})])
async def test_a_task_that_never_ends_is_killed_at_its_hard_limit_and_the_slot_is_free_again(
    children: Cluster, name: str, args: dict[str, object]
) -> None:
    worker = await children.worker(app=APP, concurrency=1)
    task_id = await children.send(name, args, hard_time_limit=1.0)
    await until(lambda: worker.snapshot().children and worker.snapshot().children[0].busy)
    pid = worker.snapshot().children[0].pid
    assert worker.snapshot().children[0].task == task_id
    status = await children.ended(task_id)
    assert status.error is not None
    assert "HardTimeLimitExceeded" in status.error.type
    await until(lambda: not alive(pid))
    assert (await children.ended(await children.send("echo", {"value": 1}))).state is TaskState.SUCCEEDED


async def test_a_terminated_task_hears_of_it_at_its_next_checkpoint(children: Cluster, tmp_path: Path) -> None:
    worker = await children.worker(app=APP)
    told = tmp_path / "told"
    task_id = await children.send("steps", {"path": str(told)})
    await until(lambda: worker.snapshot().running and worker.snapshot().running[0].progress)
    pid = next(child.pid for child in worker.snapshot().children if child.busy)
    await children.command(Revoke((Revocation(id=task_id, by="ann", reason="wrong", terminate=True),)))
    status = await children.ended(task_id)
    assert (status.state, status.reason) == (TaskState.CANCELLED, "wrong")
    assert told.read_text() == "TaskCancelled: the task was revoked"
    assert (await children.ended(await children.send("pid"))).result == pid


async def test_a_terminated_coroutine_is_cancelled_at_its_next_await(children: Cluster) -> None:
    worker = await children.worker(app=APP)
    task_id = await children.send("asleep", {"seconds": 60})
    await until(lambda: worker.snapshot().children and worker.snapshot().children[0].busy)
    pid = worker.snapshot().children[0].pid
    await children.command(Revoke((Revocation(id=task_id, terminate=True),)))
    assert (await children.ended(task_id)).state is TaskState.CANCELLED
    assert alive(pid)


@pytest.mark.parametrize("deaf", ["deaf", "stuck_async"])
async def test_a_terminated_task_that_does_not_listen_is_interrupted_after_the_grace_and_then_killed(
    children: Cluster, tmp_path: Path, deaf: str
) -> None:
    worker = await children.worker(app=APP, lifecycle=WorkerLifecycleConfig(terminate_grace_period=0.2))
    cleaned = tmp_path / "cleaned"
    task_id = await children.send(deaf, {"path": str(cleaned)} if deaf == "deaf" else {})
    await until(lambda: worker.snapshot().running and worker.snapshot().running[0].progress)
    await children.command(Revoke((Revocation(id=task_id, terminate=True),)))
    assert (await children.ended(task_id)).state is TaskState.CANCELLED
    assert deaf != "deaf" or cleaned.read_text() == "cleaned up"
    await until(lambda: not any(child.busy for child in worker.snapshot().children))


async def test_children_are_replaced_after_their_share_of_tasks(children: Cluster) -> None:
    worker = await children.worker(app=APP, concurrency=1, lifecycle=WorkerLifecycleConfig(max_tasks_per_child=2))
    pids = [(await children.ended(await children.send("pid"))).result for _ in range(6)]
    assert len(set(pids)) == 3
    assert pids[0::2] == pids[1::2]
    await until(lambda: len(worker.snapshot().children) <= 1)
    assert [pid for pid in pids[:4] if alive(int(str(pid)))] == []


async def test_children_are_replaced_when_their_own_memory_has_grown(children: Cluster) -> None:
    worker = await children.worker(app=APP, concurrency=1)
    await children.ended(await children.send("noop"))
    limit = worker.snapshot().children[0].rss + 40 * 2**20
    await worker.shutdown()
    await children.worker(app=APP, concurrency=1, lifecycle=WorkerLifecycleConfig(max_memory_per_child_bytes=limit))
    pids = [(await children.ended(await children.send("grow", {"megabytes": 25}))).result for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_both_sides_hear_of_each_child_that_comes_and_goes(
    children: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "ledger"
    monkeypatch.setenv("CHILD_LEDGER", str(ledger))
    worker = await children.worker(app=APP, concurrency=1)
    pid = (await children.ended(await children.send("pid"))).result
    await worker.shutdown()
    assert ledger.read_text().splitlines() == [f"init {pid} w1", f"shutdown {pid} w1"]
    events: list[Any] = await children.events(WorkerChildInit, WorkerChildShutdown)
    assert [(type(event).__name__, event.child) for event in events] == [
        ("WorkerChildInit", pid),
        ("WorkerChildShutdown", pid),
    ]


async def test_a_child_that_prints_without_end_disturbs_neither_worker_nor_protocol(
    children: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    await children.worker(app=APP)
    assert (await children.ended(await children.send("flood", {"lines": 5_000}))).result == "done"
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "out 4999 " in captured.err
    assert "err 4999 " in captured.err


@pytest.mark.parametrize(
    ("app", "kind", "says"),
    [
        (None, ConfigurationError, "give Worker\\(app="),
        ("tests.worker.nowhere:stem", ChildStartError, "no module 'tests.worker.nowhere'"),
        ("tests.worker.child_app:nothing", ChildStartError, "has no 'nothing'"),
        ("examples.email:stem", ConfigurationError, "has no task 'aecho'"),
    ],
)
async def test_a_worker_does_not_start_if_its_children_could_not_find_their_tasks(
    children: Cluster, app: str | None, kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        await children.worker(app=app)


async def test_an_app_that_ends_the_process_shows_its_last_line(
    children: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fatal_app.py").write_text("import os, sys\nprint('no licence', file=sys.stderr)\nos._exit(5)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ChildStartError, match="exit code 5: it last said: no licence"):
        await children.worker(app="fatal_app:stem")


async def test_children_that_do_not_start_cost_their_tasks_nothing_and_are_tried_again_without_a_hot_loop(
    children: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = tmp_path / "brittle_app.py"
    app.write_text("from tests.worker.child_app import stem\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    await children.worker(app="brittle_app:stem", lifecycle=WorkerLifecycleConfig(max_tasks_per_child=1))
    await children.ended(await children.send("noop"))
    app.write_text("raise RuntimeError('half deployed')\n")
    before = time.perf_counter()
    ids = [await children.send("noop") for _ in range(2)]
    await until(
        lambda: sum("half deployed" in line and "goes back" in line for line in caplog.messages) >= 2, within=60.0
    )
    assert time.perf_counter() - before > 0.2  # the pause between two tries
    app.write_text("from tests.worker.child_app import stem\n")
    for task_id in ids:
        status = await children.ended(task_id, within=60.0)
        assert (status.state, status.attempt) == (TaskState.SUCCEEDED, 0)


async def test_an_app_that_starts_a_worker_when_it_is_imported_is_refused_and_not_multiplied(
    children: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unguarded_app.py").write_text(
        "import asyncio\n"
        "from stem_core import InMemoryBroker, Worker\n"
        "from tests.worker.child_app import stem\n"
        "worker = Worker(broker=InMemoryBroker(), registry=stem.registry, app='unguarded_app:stem')\n"
        "asyncio.run(worker.run())\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ChildStartError, match="__main__"):
        await children.worker(app="unguarded_app:stem")


async def test_an_idle_worker_with_a_smaller_number_of_slots_lets_children_go(children: Cluster) -> None:
    worker = await children.worker(app=APP, concurrency=3)
    for each in [await children.send("sleep", {"seconds": 0.2}) for _ in range(3)]:
        await children.ended(each)
    assert len(worker.snapshot().children) == 3
    assert worker._parts is not None
    worker._parts.resize(1, "test")
    await until(lambda: len(worker.snapshot().children) == 1)


@pytest.mark.parametrize("name", ["max_tasks_per_child", "max_memory_per_child_bytes"])
def test_a_limit_of_nothing_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        WorkerLifecycleConfig(**{name: 0})


async def test_a_failure_in_a_child_spends_the_retry_budget(children: Cluster) -> None:
    await children.worker(app=APP)
    task_id = await children.send("raises", {"kind": "ValueError"}, max_retries=2, retry_policy=QUICK)
    assert (await children.ended(task_id)).attempt == 2


async def test_a_hard_shutdown_leaves_no_child(children: Cluster) -> None:
    worker = await children.worker(app=APP, concurrency=2)
    for _ in range(2):
        await children.send("forever")
    await until(lambda: sum(child.busy for child in worker.snapshot().children) == 2)
    pids = [child.pid for child in worker.snapshot().children]
    await worker.shutdown(ShutdownMode.HARD)
    assert not any(alive(pid) for pid in pids)
    assert (await children.broker.stats(["default"]))[0].ready == 2


async def test_a_child_whose_start_is_given_up_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def given_up(*_words: object, **_settings: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "create_subprocess_exec", given_up)
    gc.collect()  # what tests before this one have left open would be closed now
    before = psutil.Process().num_fds()
    with pytest.raises(asyncio.CancelledError) as caught:
        await ChildProcess.start(Setup(app="a:b", worker="w", location="", paths=()))
    assert psutil.Process().num_fds() == before, caught  # whose traceback keeps what was forgotten from being collected


class Foreign:
    """A transport as uvloop has them: derived from nothing of asyncio's."""

    def __init__(self, inner: asyncio.BaseTransport) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


async def test_children_are_spoken_to_over_transports_of_any_event_loop(
    children: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ChildProcess.connection_made
    monkeypatch.setattr(ChildProcess, "connection_made", lambda child, transport: made(child, Foreign(transport)))
    await children.worker(app=APP)
    assert (await children.ended(await children.send("aecho", {"value": 1}))).result == 1
