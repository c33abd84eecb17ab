"""A worker whose clock is wrong: `python -m benchmarks.skewed CONCURRENCY SECONDS`, set up by the environment."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.app import stem
from benchmarks.stores import Place
from stem_core.commands import ShutdownMode
from stem_core.config import StemConfig
from stem_core.stores import connect_broker
from stem_core.testing.contract.harness import ShiftedClock
from stem_core.worker import Worker, WorkerLifecycleConfig


async def _worker(place: Place, concurrency: int, skew: float, *, signals: bool) -> Worker:
    clock = ShiftedClock()
    clock.shift = skew
    lifecycle = WorkerLifecycleConfig(install_signal_handlers=signals)
    broker = await connect_broker(place.url, namespace=place.namespace)
    return Worker(broker=broker, registry=stem.registry, concurrency=concurrency, lifecycle=lifecycle, clock=clock)


@contextmanager
def thread(place: Place, concurrency: int, skew: float) -> Iterator[None]:
    """Run a worker in a thread of this process until the block ends."""
    end = threading.Event()

    async def live() -> None:
        worker = await _worker(place, concurrency, skew, signals=False)
        await worker.start()
        await asyncio.to_thread(end.wait)
        await worker.shutdown(ShutdownMode.WARM)

    running = threading.Thread(target=asyncio.run, args=(live(),))
    running.start()
    try:
        yield
    finally:
        end.set()
        running.join()


async def _run(concurrency: int, skew: float) -> None:
    config = StemConfig.from_environment()
    worker = await _worker(Place(config.broker_url, config.namespace), concurrency, skew, signals=True)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), float(sys.argv[2])))
