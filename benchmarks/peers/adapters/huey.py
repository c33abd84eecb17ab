"""Huey, results stored although they are None; tuned: one worker process. By default its workers are threads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from huey import RedisHuey
from huey.consumer import Consumer

from benchmarks.peers.job import SLOTS, TUNED, URL, run
from benchmarks.peers.producer import Producer

_huey: Final = RedisHuey("peers", url=URL, store_none=True)
_job: Final = _huey.task(name="job")(run)


@asynccontextmanager
async def producer() -> AsyncIterator[Producer]:
    yield Producer(_job)


def work() -> None:
    Consumer(_huey, workers=SLOTS, worker_type="process" if TUNED else "thread").run()
