"""A task may fork, as multiprocessing does on Linux by itself: worker and children do not get in each other's way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stem_core import Stem

ROOT = Path(__file__).parents[2]
APP = """
import multiprocessing
import os
import sys
import time
from stem_core import Stem

stem = Stem.from_environment()

def follow(number):
    quick.enqueue_sync(number)
    return number * number

@stem.task("quick")
async def quick(number: int) -> int:
    return number

@stem.task("thread")
def in_thread() -> list[int]:
    with multiprocessing.get_context("fork").Pool(2) as pool:  # which ends its children by SIGTERM
        return pool.map(follow, range(4))

@stem.task("process", execution="process", hard_time_limit=20)
def in_process() -> list[int]:
    return in_thread()

def stray(end):
    pid = os.fork()
    if pid == 0:
        if end == "fails":
            raise ValueError(end)
        return sys.exit(3) if end == "exits" else "returned"
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

@stem.task("stray in a thread")
def stray_in_thread(end: str) -> object:
    return stray(end)

@stem.task("stray in a process", execution="process", hard_time_limit=20)
def stray_in_process(end: str) -> object:
    return stray(end)

@stem.task("stray in a coroutine")
async def stray_in_coroutine(end: str) -> object:
    return stray(end)

@stem.task("stray in a coroutine of a process", execution="process", hard_time_limit=20)
async def stray_in_coroutine_of_process(end: str) -> object:
    return stray(end)

@stem.task("terminated")
def terminated() -> int:
    pid = os.fork()
    if pid == 0:
        time.sleep(20)
        os._exit(1)
    os.kill(pid, 15)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.fixture
def stem(store_url: str, namespace: str) -> Stem:
    return Stem.from_url(store_url, namespace)


@pytest.fixture
def worker(store_url: str, namespace: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker, which is ready."""
    (tmp_path / "forking_app.py").write_text(APP)
    variables = {"STEM_BROKER_URL": store_url, "STEM_WORKER_NAMESPACE": namespace, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "stem_core", "worker", "start", "--app", "forking_app:stem", "--json"],
        cwd=tmp_path, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"worker"')
    yield process
    process.kill()
    process.communicate()


@pytest.mark.process
@pytest.mark.parametrize("task", ["thread", "process"])
async def test_a_pool_of_forked_processes_serves_a_task_and_ends(
    worker: subprocess.Popen[bytes], stem: Stem, task: str
) -> None:
    async with stem:
        for _ in range(2):  # what the first one did to its worker, the second one would feel
            status = await stem.wait_for(await stem.enqueue_unchecked(task), timeout=25)
            assert (status.state, status.result) == ("succeeded", [0, 1, 4, 9])
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0


@pytest.mark.process
async def test_a_signal_for_a_forked_child_ends_it_and_not_the_worker(
    worker: subprocess.Popen[bytes], stem: Stem
) -> None:
    async with stem:
        status = await stem.wait_for(await stem.enqueue_unchecked("terminated"), timeout=25)
        assert (status.state, status.result) == ("succeeded", -signal.SIGTERM)
        assert (await stem.wait_for(await stem.enqueue_unchecked("quick", {"number": 1}), timeout=25)).result == 1
    assert worker.poll() is None


@pytest.mark.process
async def test_a_forked_child_that_comes_to_the_end_of_the_handler_ends_there(
    worker: subprocess.Popen[bytes], stem: Stem
) -> None:
    async with stem:
        for place in ("thread", "process", "coroutine", "coroutine of a process"):
            for end, code in (("returns", 0), ("exits", 3), ("fails", 1)):
                task_id = await stem.enqueue_unchecked(f"stray in a {place}", {"end": end})
                status = await stem.wait_for(task_id, timeout=25)
                assert (place, end, status.state, status.result) == (place, end, "succeeded", code)
        assert (await stem.wait_for(await stem.enqueue_unchecked("quick", {"number": 1}), timeout=25)).result == 1
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
