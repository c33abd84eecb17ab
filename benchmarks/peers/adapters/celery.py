"""Celery: Redis as broker and result backend; tuned: no child process, a large prefetch, no gossip."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from celery import Celery, group

from benchmarks.peers.job import SLOTS, TUNED, URL, run
from benchmarks.peers.producer import Producer

app: Final = Celery("peers", broker=URL, backend=URL)
_job: Final = app.task(name="job")(run)
_TUNED: Final = ["--pool", "solo", "--prefetch-multiplier", "128", "--without-gossip", "--without-mingle"]


def _group(numbers: Sequence[int]) -> None:
    group(_job.s(n) for n in numbers).apply_async()


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    yield Producer(_job.delay, _group)


def work() -> None:
    options = _TUNED if TUNED else ["--concurrency", str(SLOTS)]
    app.worker_main(["worker", "--loglevel", "error", *options])
