"""Starting real workers for a measurement, filling their queue, and waiting until they are done."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.app import attach, stem
from benchmarks.skewed import thread
from benchmarks.stores import Place
from stem_core.client import Job
from stem_core.config import StemConfig
from stem_core.stores import connect_broker

ROOT = Path(__file__).resolve().parent.parent


def go_to(place: Place) -> None:
    """Let the tasks of `benchmarks.app` be enqueued there, from this process."""
    stem.use(StemConfig.from_environment(broker_url=place.url, namespace=place.namespace))


async def fill(place: Place, first: int, jobs: int, task: str = "bench.stamp", **options: float) -> None:
    """Enqueue jobs in batches; the n of each is its number."""
    go_to(place)
    async with stem:
        for start in range(first, first + jobs, 500):
            numbers = range(start, min(start + 500, first + jobs))
            await stem.enqueue_many([Job(task, {"n": n}, **options) for n in numbers])  # type: ignore[arg-type]


@contextmanager
def worker(place: Place, concurrency: int, board: Path, skew: float = 0.0) -> Iterator[int]:
    """Run one worker until the block ends, and yield the id of its process.

    Args:
        place: Where its jobs are. If no other process can reach it, the worker is a thread of this one.
        concurrency: Its slots.
        board: Where its tasks are stamped.
        skew: Seconds by which its clock is wrong.
    """
    if place.is_in_process:
        attach(board)
        with thread(place, concurrency, skew):
            yield os.getpid()
        return
    command = [sys.executable, "-m", "stem_core", "worker", "start", "--app", "benchmarks.app:stem"]
    command += ["--concurrency", str(concurrency), "--log-level", "error"]
    if skew:
        command = [sys.executable, "-m", "benchmarks.skewed", str(concurrency), str(skew)]
    process = subprocess.Popen(command, cwd=ROOT, env=place.environment(BENCH_BOARD=str(board)))
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def until_done(place: Place, jobs: int, deadline: float = 300.0) -> None:
    """Wait until that many jobs have succeeded, looking rarely so as not to disturb."""
    limit = time.monotonic() + deadline
    broker = await connect_broker(place.url, namespace=place.namespace)
    try:
        while (await broker.stats(["default"]))[0].succeeded < jobs:
            if time.monotonic() > limit:
                raise TimeoutError(f"{jobs} jobs were not done within {deadline} s")
            await asyncio.sleep(0.1)
    finally:
        await broker.close()


class Board:
    """When each job began, as the workers wrote it into a shared file."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.path = folder / "board"
        self.path.write_bytes(bytes(jobs * 8))

    def all(self) -> list[float]:
        """Return epoch seconds by job number, 0 for those that have not run."""
        return [value for (value,) in struct.iter_unpack("d", self.path.read_bytes())]

    def starts(self) -> list[float]:
        """Return epoch seconds by job number.

        Raises:
            RuntimeError: Some never ran.
        """
        starts = self.all()
        if min(starts) == 0:
            raise RuntimeError("some jobs never ran")
        return starts


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
