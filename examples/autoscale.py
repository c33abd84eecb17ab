"""A worker whose number of slots follows the backlog: python -m examples.autoscale"""

from __future__ import annotations

import asyncio

from stem_core import ShutdownMode, Stem, StemSignals, Worker, WorkerAutoscaleConfig

stem = Stem.from_environment()
small_again = asyncio.Event()


@stem.task("thumbnail", queue="thumbnails")
async def thumbnail(number: int) -> int:
    await asyncio.sleep(0.05)
    return number


def on_scaled(payload: object, _context: object) -> None:
    before, after, reason = (getattr(payload, name) for name in ("before", "after", "reason"))
    print(f"{before} -> {after}: {reason}")
    if after == 1:
        small_again.set()


async def main() -> None:
    StemSignals.on_worker_scaled(on_scaled, worker_id="autoscaled")
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(
            broker=broker,
            registry=stem.registry,
            backend=backend,
            queue="thumbnails",
            consumer_name="autoscaled",
            autoscale=WorkerAutoscaleConfig(
                min_concurrency=1,
                max_concurrency=3,
                backlog_per_slot=2,
                # In production the defaults: these are for an example that ends soon.
                tick=0.05,
                idle_period=0.1,
                scale_up_cooldown=0.05,
                scale_down_cooldown=0.05,
            ),
        )
        await stem.enqueue_many([thumbnail.job(number=number) for number in range(20)])
        await worker.start()
        await asyncio.wait_for(small_again.wait(), timeout=15)
        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
