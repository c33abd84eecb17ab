"""Starting real workers for a measurement, and ending them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

ROOT = Path(__file__).resolve().parent.parent


def environment(url: str, board: Path | None = None) -> dict[str, str]:
    """Return the environment of a worker or a command."""
    extra = {"STEM_BROKER_URL": url}
    if board is not None:
        extra["BENCH_BOARD"] = str(board)
    return {**os.environ, **extra}


@contextmanager
def worker(url: str, concurrency: int, board: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run one worker process until the block ends."""
    command = [sys.executable, "-m", "stem_core", "worker", "start", "--app", "benchmarks.app:stem"]
    command += ["--concurrency", str(concurrency), "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(url, board))
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_idle(url: str, jobs: int, deadline: float = 120.0) -> None:
    """Wait until that many jobs are done, looking rarely so as not to disturb."""
    client = redis.Redis.from_url(url)
    limit = time.monotonic() + deadline
    while int(client.hget("{stem:stem:default}:counters", "succeeded") or 0) < jobs:
        if time.monotonic() > limit:
            raise TimeoutError(f"{jobs} jobs were not done within {deadline} s")
        time.sleep(0.05)
    client.close()
