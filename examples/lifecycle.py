"""The three ways in which a worker ends, and what becomes of a task that runs: python -m examples.lifecycle"""

from __future__ import annotations

import asyncio

from stem_core import ShutdownMode, Stem, TaskContext, Worker, WorkerLifecycleConfig

stem = Stem.from_environment()
begun = asyncio.Event()
finish = asyncio.Event()


@stem.task("film.encode", queue="films")
async def encode(context: TaskContext) -> str:
    begun.set()
    try:
        await finish.wait()
    except asyncio.CancelledError:
        print(f"{context.worker} was asked to let go")
        raise
    return f"encoded by {context.worker}"


async def started(name: str) -> Worker:
    broker, backend = await stem.connect()
    worker = Worker(
        broker=broker,
        registry=stem.registry,
        backend=backend,
        queue="films",
        consumer_name=name,
        lifecycle=WorkerLifecycleConfig(soft_grace_period=5, install_signal_handlers=False),
    )
    begun.clear()
    await worker.start()
    return worker


async def main() -> None:
    async with stem:
        task_id = await encode.enqueue()
        for mode in (ShutdownMode.SOFT, ShutdownMode.HARD):
            worker = await started(f"{mode}-worker")
            await begun.wait()
            await worker.shutdown(mode)
            status = await stem.status(task_id)
            print(f"{mode}: {status.state if status else 'lost'}")

        worker = await started("warm-worker")
        await begun.wait()
        worker.stop(ShutdownMode.WARM)  # fetches nothing more, and waits for what runs
        finish.set()
        await worker.shutdown()
        status = await stem.wait_for(task_id, timeout=5)
        print(f"warm: {status.state}, {status.result}")


if __name__ == "__main__":
    asyncio.run(main())
