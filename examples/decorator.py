"""Tasks as functions, with arguments that the type checker knows.

In one process:        python -m examples.decorator
Or with a worker:      stem worker start --app examples.decorator:stem --queue reports
"""

from __future__ import annotations

import asyncio

from stem_core import ShutdownMode, Stem, TaskContext, Worker

stem = Stem.from_environment()


@stem.task("report.generate", queue="reports", max_retries=3, hard_time_limit=60)
async def generate(context: TaskContext, report_id: str) -> str:
    context.progress(0.5, "half way")
    return f"{report_id}.pdf"


@stem.task("report.count", queue="reports")
def count(words: str) -> int:
    return len(words.split())


async def main() -> None:
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(broker=broker, registry=stem.registry, backend=backend, queue="reports", enqueuer=stem)
        await worker.start()

        report = await generate.enqueue(report_id="monthly-2025-10")
        later = await generate.with_options(countdown=0.2).enqueue(report_id="later")
        counted = await stem.enqueue_many([count.job(words="one two"), count.job(words="one two three")])
        for task_id in (report, later, *counted):
            status = await stem.wait_for(task_id, timeout=5)
            print(f"{status.name}: {status.result}")

        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
