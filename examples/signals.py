"""Listening, in the process, to what a worker and a producer do: python -m examples.signals"""

from __future__ import annotations

import asyncio

from stem_core import ShutdownMode, Stem, StemSignals, Worker

stem = Stem.from_environment()


@stem.task("report.generate", queue="reports")
async def generate(report_id: str) -> str:
    return f"{report_id}.pdf"


StemSignals.on_worker_ready(
    lambda payload, _: print(f"{payload.worker} is ready for {', '.join(payload.queues)}"),
    worker_id="signals-worker",
)
StemSignals.on_after_task_publish(lambda payload, _: print(f"published {payload.task}"))
succeeded = StemSignals.on_task_succeeded(
    lambda payload, ctx: print(f"{payload.task} returned {ctx.result}"), task_name="report.generate"
)
StemSignals.on_worker_stopping(lambda payload, _: print(f"{payload.worker} stops {payload.mode}"), once=True)


async def main() -> None:
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(
            broker=broker,
            registry=stem.registry,
            backend=backend,
            queue="reports",
            consumer_name="signals-worker",
        )
        await worker.start()
        await stem.wait_for(await generate.enqueue(report_id="monthly"), timeout=5)
        succeeded.cancel()
        await stem.wait_for(await generate.enqueue(report_id="unheard"), timeout=5)
        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
