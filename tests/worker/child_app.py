"""The app that child processes of the tests load: `tests.worker.child_app:stem`."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import msgspec

from stem_core import Job, Stem, StemSignals, TaskContext
from stem_core.errors import SoftTimeLimitExceeded, TaskCancelled
from stem_core.events import WorkerChildInit, WorkerChildShutdown
from stem_core.retry import TaskRetryPolicy
from stem_core.signals import SignalContext
from stem_core.worker.children.messages import Returned, pack

APP = "tests.worker.child_app:stem"
QUICK = TaskRetryPolicy(default_delay=0.01)

stem = Stem.from_environment()


@StemSignals.on_worker_child_init
def note_init(event: WorkerChildInit, _context: SignalContext) -> None:
    note("init", event)


@StemSignals.on_worker_child_shutdown
def note_shutdown(event: WorkerChildShutdown, _context: SignalContext) -> None:
    note("shutdown", event)


def note(what: str, event: WorkerChildInit | WorkerChildShutdown) -> None:
    ledger = os.environ.get("CHILD_LEDGER")
    if ledger and event.child == os.getpid():
        with Path(ledger).open("a") as file:
            file.write(f"{what} {event.child} {event.worker}\n")


@stem.task("noop", execution="process")
def noop() -> None:
    return None


@stem.task("pid", execution="process")
def pid() -> int:
    return os.getpid()


@stem.task("echo", execution="process")
def echo(context: TaskContext, value: object) -> list[object]:
    return [value, context.worker, context.queue, context.attempt, context.headers, context.meta]


tenant_of_task: ContextVar[str] = ContextVar("tenant_of_task", default="nobody")


@stem.task("tenant", execution="process")
def tenant() -> str:
    before = tenant_of_task.get()
    tenant_of_task.set("somebody")
    return before


@stem.task("atenant", execution="process")
async def atenant() -> str:
    return tenant()


@stem.task("aecho", execution="process")
async def aecho(value: object) -> object:
    await asyncio.sleep(0)
    return value


@stem.task("sleep", execution="process")
def sleep(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


@stem.task("forever", execution="process")
def forever() -> None:
    while True:
        pass


@stem.task("asleep", execution="process")
async def asleep(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


@stem.task("stuck_async", execution="process")
async def stuck_async(context: TaskContext) -> None:
    context.progress(0.5)
    while True:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            continue


@stem.task("steps", execution="process")
def steps(context: TaskContext, path: str = "") -> None:
    context.progress(0.25, "begun")
    try:
        while True:
            time.sleep(0.005)
            context.checkpoint()
    except TaskCancelled as told:
        if path:
            Path(path).write_text(f"{type(told).__name__}: {told.message}")
        raise


@stem.task("deaf", execution="process")
def deaf(context: TaskContext, path: str) -> None:
    try:
        context.progress(0.5)
        while True:
            pass
    finally:
        Path(path).write_text("cleaned up")


@stem.task("soft", execution="process", soft_time_limit=0.1)
def soft(busy: bool) -> str:
    try:
        while busy:
            sum(())  # Python 3.13.0 does not take what is raised between two rounds of a loop for raised in its try
        time.sleep(30)
    except SoftTimeLimitExceeded:
        return "partial"
    return "whole"


@stem.task("asoft", execution="process", soft_time_limit=0.1)
async def asoft() -> str:
    try:
        await asyncio.sleep(30)
    except SoftTimeLimitExceeded:
        return "partial"
    return "whole"


@stem.task("wraps_asoft", execution="process", soft_time_limit=0.1)
def wraps_asoft() -> Any:
    return asoft()


@stem.task("softly", execution="process", soft_time_limit=0.1)
def softly() -> None:
    time.sleep(30)


@stem.task("raises", execution="process")
def raises(kind: str) -> None:
    errors = {
        "SystemExit": SystemExit(3),
        "KeyboardInterrupt": KeyboardInterrupt(),
        "CancelledError": asyncio.CancelledError(),
        "ValueError": ValueError("\x1b[2Jno \ud800"),
    }
    if kind == "RecursionError":
        raises(kind)
    raise errors[kind]


@stem.task("araises", execution="process")
async def araises(kind: str) -> None:
    await asyncio.sleep(0)
    raises(kind)


@stem.task("dies", execution="process")
def dies(how: str) -> None:
    if how == "segfault":
        ctypes.string_at(0)
    if how == "kill":
        os.kill(os.getpid(), 9)
    os._exit(7)


@stem.task("dies_once", execution="process", max_retries=1, retry_policy=QUICK)
def dies_once(context: TaskContext) -> str:
    if context.attempt == 0:
        os._exit(7)
    return "recovered"


@stem.task("flaky", execution="process", max_retries=1)
def flaky(context: TaskContext) -> int:
    if context.attempt == 0:
        context.retry(0.01, "not yet")
    return context.attempt


@stem.task(
    "picky", execution="process", max_retries=5, retry_policy=TaskRetryPolicy(dont_auto_retry_for=("LookupError",))
)
def picky() -> None:
    raise KeyError("gone")


@stem.task("fine_process", execution="process")
def fine_process(context: TaskContext) -> str:
    for _ in range(50):
        context.progress(0.5)
        time.sleep(0.02)
    return "done"


@stem.task("deaf_process", execution="process")
def deaf_process(context: TaskContext) -> None:
    context.progress(0.5)
    while True:
        pass


@stem.task("result", execution="process")
def result(kind: str) -> object:
    values: dict[str, object] = {"object": object(), "surrogate": "\ud800", "class": float, "huge": "x" * 70_000_000}
    return values[kind]


@stem.task("large", execution="process")
def large(size: int) -> str:
    return "x" * size


@stem.task("flood", execution="process")
def flood(lines: int) -> str:
    for number in range(lines):
        sys.stdout.write(f"out {number} {'x' * 200}\n")
        sys.stderr.write(f"err {number} {'x' * 200}\n")
    return "done"


@stem.task("grow", execution="process")
def grow(megabytes: int) -> int:
    kept.append(bytearray(os.urandom(1024)) * (1024 * megabytes))
    return os.getpid()


@stem.task("family", execution="process")
def family(path: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(path).write_text(str(process.pid))
    time.sleep(60)


@stem.task("parent", execution="process")
async def parent(context: TaskContext) -> str:
    return await context.enqueue("echo", {"value": "from the child"})


@stem.task("bears", execution="process")
def bears(context: TaskContext) -> dict[str, object]:
    return family_of_sync(context)


@stem.task("bears.async", execution="process")
async def bears_async(context: TaskContext) -> dict[str, object]:
    return await family_of(context)


def child(**options: Any) -> Job:
    return Job("lineage", **options)


async def family_of(context: TaskContext) -> dict[str, object]:
    """Enqueue in each way there is; return the ids of all that were sent, or will be."""
    one = await context.enqueue("lineage", link=child(task_id=f"{context.id}-link"))
    many = await context.enqueue_many([child(), child()])
    chain = await context.enqueue_chain([child(), child(), child()])
    group = await context.enqueue_group([child(), child()], callback=child(), on_error=child())
    return {"ids": [one, f"{context.id}-link", *many, *chain, *group.members, group.callback]}


def family_of_sync(context: TaskContext) -> dict[str, object]:
    """Do the same from a `def` task."""
    one = context.enqueue_sync("lineage", link=child(task_id=f"{context.id}-link"))
    many = context.enqueue_many_sync([child(), child()])
    chain = context.enqueue_chain_sync([child(), child(), child()])
    group = context.enqueue_group_sync([child(), child()], callback=child(), on_error=child())
    return {"ids": [one, f"{context.id}-link", *many, *chain, *group.members, group.callback]}


@stem.task("lineage")
def lineage(context: TaskContext) -> dict[str, object]:
    return context.meta


kept: list[bytearray] = []


def way_to_the_worker() -> int:
    return next(fd for fd in range(3, 64) if is_socket(fd))


def is_socket(fd: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False


@stem.task("closes", execution="process")
def closes() -> None:
    with socket.socket(fileno=way_to_the_worker()) as link:
        link.shutdown(socket.SHUT_RDWR)
    time.sleep(60)


@stem.task("closes_all", execution="process")
def closes_all() -> None:
    threading.Thread(target=time.sleep, args=(60,)).start()
    os.closerange(3, 256)


@stem.task("answers_another", execution="process")
def answers_another() -> None:
    os.write(way_to_the_worker(), pack(Returned(id="another", rss=1, result=msgspec.Raw(b'"mine"'))))
    time.sleep(60)


@stem.task("babbles", execution="process")
def babbles() -> None:
    os.write(way_to_the_worker(), b"\xff" * 16)
    time.sleep(60)
