"""A program that closes nothing ends in peace, and a Stem that nobody refers to any more keeps nothing open."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from stem_core import Stem
from tests.worker.cluster import until

LEFT_OPEN = """
import asyncio, sys
from stem_core import Stem

stem = Stem.from_environment()

@stem.task("add")
def add(x: int) -> int:
    return x

async def main():
    sys.set_asyncgen_hooks(firstiter=None, finalizer=None)  # as with nest_asyncio, which notebooks use
    assert await stem.status(await add.enqueue(1))

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
"""

LET_GO = """
import asyncio
from stem_core import Stem

def new():
    stem = Stem.from_environment()

    @stem.task("add")
    def add(x: int) -> int:
        return x

    return add

async def main(times):
    for _ in range(times):
        await new().enqueue(1)

asyncio.run(main(1))
asyncio.run(main(5))
for _ in range(3):
    new().enqueue_sync(1)
"""


@pytest.mark.process
def test_a_loop_that_was_left_open_costs_no_traceback(store_url: str, namespace: str) -> None:
    variables = {**os.environ, "STEM_BROKER_URL": store_url, "STEM_WORKER_NAMESPACE": namespace}
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN],
        cwd=Path(__file__).parents[2], env=variables, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.process
def test_stems_that_are_let_go_cost_no_traceback(store_url: str, namespace: str) -> None:
    variables = {**os.environ, "STEM_BROKER_URL": store_url, "STEM_WORKER_NAMESPACE": namespace}
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", LET_GO],
        cwd=Path(__file__).parents[2], env=variables, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def still_open(place: Path) -> list[str]:
    gc.collect()
    return [file.path for file in psutil.Process().open_files() if file.path.startswith(str(place))]


async def test_a_stem_that_nobody_refers_to_gives_its_connections_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/stem.db"
    await Stem.from_url(url).enqueue_unchecked("a")
    await asyncio.to_thread(lambda: Stem.from_url(url).status_sync("b"))
    await until(lambda: not still_open(tmp_path))


async def test_connections_that_were_handed_out_stay_open(tmp_path: Path) -> None:
    broker, _ = await Stem.from_url(f"sqlite:///{tmp_path}/stem.db").connect()
    assert still_open(tmp_path)
    await asyncio.sleep(0.05)  # in which they would be closed
    assert await broker.queues() == []
    await broker.close()
    assert not still_open(tmp_path)
