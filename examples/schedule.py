"""A task that is enqueued again and again: python -m examples.schedule

In production: stem worker start --app examples.schedule:stem --schedule --queue pulses
"""

from __future__ import annotations

import asyncio

from stem_core import Scheduler, ShutdownMode, Stem, TaskContext, Worker
from stem_core.schedule.book import ScheduleBook

stem = Stem.from_environment()
beats: asyncio.Queue[object] = asyncio.Queue()


@stem.task("pulse.beat", queue="pulses")
async def beat(context: TaskContext) -> None:
    await beats.put(context.meta["stem.schedule"])


stem.schedule("example-pulse", task=beat, every=0.2, missed="skip")
stem.schedule("example-nightly", task=beat, cron="0 3 * * *", timezone="Europe/Berlin")


async def main() -> None:
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(broker=broker, registry=stem.registry, backend=backend, queue="pulses")
        await worker.start()
        async with Scheduler(stem):
            for number in range(1, 4):
                print(f"{await beats.get()} beats: {number}")
        await worker.shutdown(ShutdownMode.WARM)
        for name in stem.schedules:  # they lie in the store, and would tick in any scheduler
            await ScheduleBook(broker).delete(name)


if __name__ == "__main__":
    asyncio.run(main())
