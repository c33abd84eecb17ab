"""Taskiq: Redis streams and a Redis result backend; tuned: one process, no parsing of arguments by pydantic."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from taskiq.cli.worker.cmd import WorkerCMD
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from benchmarks.peers.job import SLOTS, TUNED, URL, run_async
from benchmarks.peers.producer import Producer

broker: Final = RedisStreamBroker(URL).with_result_backend(RedisAsyncResultBackend(URL, result_ex_time=86_400))
_job: Final = broker.task("job")(run_async)


async def _enqueue(n: int) -> None:
    await _job.kiq(n)


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    await broker.startup()
    yield Producer(_enqueue)
    await broker.shutdown()


def work() -> None:
    options = ["--workers", "1", "--max-async-tasks", str(SLOTS), "--log-level", "ERROR"]
    WorkerCMD().exec([*options, *(["--no-parse"] if TUNED else []), f"{__name__}:broker"])
