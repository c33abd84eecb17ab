"""RQ; tuned: a worker that does not fork for each job. By default a pool of workers that do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from redis import Redis
from rq import Queue, SimpleWorker
from rq.worker_pool import WorkerPool

from benchmarks.peers.job import SLOTS, TUNED, URL, run
from benchmarks.peers.producer import Producer

_connection: Final = Redis.from_url(URL)
_queue: Final = Queue(connection=_connection)


def _enqueue(n: int) -> None:
    _queue.enqueue(run, n)


def _enqueue_many(numbers: Sequence[int]) -> None:
    _queue.enqueue_many([Queue.prepare_data(run, (n,)) for n in numbers])


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    yield Producer(_enqueue, _enqueue_many)


def work() -> None:
    if TUNED:
        SimpleWorker([_queue], connection=_connection).work(logging_level="ERROR")
    else:
        WorkerPool([_queue], connection=_connection, num_workers=SLOTS).start(logging_level="ERROR")
