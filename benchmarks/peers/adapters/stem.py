"""Stem, as it is by default but for its concurrency."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.peers.job import SLOTS, URL, run_async
from benchmarks.peers.producer import Producer
from stem_core import Stem
from stem_core.cli import main
from stem_core.client import Job
from stem_core.config import StemConfig

stem: Final = Stem(config=StemConfig.from_environment(broker_url=URL))


@stem.task("job")
async def _job(n: int) -> None:
    await run_async(n)


async def _enqueue(n: int) -> None:
    await _job.enqueue(n=n)


async def _enqueue_many(numbers: Sequence[int]) -> None:
    await stem.enqueue_many([Job("job", {"n": n}) for n in numbers])


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    async with stem:
        yield Producer(_enqueue, _enqueue_many)


def work() -> None:
    sys.argv = ["stem", "worker", "start", "--app", f"{__name__}:stem", "--concurrency", str(SLOTS)]
    sys.argv += ["--log-level", "error"]
    main()
