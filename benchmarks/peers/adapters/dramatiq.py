"""Dramatiq: Redis as broker and result backend; tuned: one process, four threads, a large prefetch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.cli import main, make_argument_parser
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.peers.job import SLOTS, TUNED, URL, run
from benchmarks.peers.producer import Producer

if TUNED:
    dramatiq.worker.QUEUE_PREFETCH = 1000
broker: Final = RedisBroker(url=URL)
broker.add_middleware(Results(backend=RedisBackend(url=URL), store_results=True))
dramatiq.set_broker(broker)
_job: Final = dramatiq.actor(run, actor_name="job")


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    yield Producer(_job.send)


def work() -> None:
    options = ["--processes", "1", "--threads", str(SLOTS), f"{__name__}:broker"]
    main(make_argument_parser().parse_args(options))
