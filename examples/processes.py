"""Tasks in child processes, which may die without harm to anybody else: python -m examples.processes"""

from __future__ import annotations

import asyncio
import os
import signal

from stem_core import ShutdownMode, Stem, TaskContext, TaskRetryPolicy, Worker, WorkerLifecycleConfig

stem = Stem.from_environment()

AT_ONCE = TaskRetryPolicy(default_delay=0)


@stem.task("model.train", queue="models", execution="process", max_retries=1, retry_policy=AT_ONCE)
def train(context: TaskContext) -> int:
    if context.attempt == 0:
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory runs out
    return os.getpid()


async def main() -> None:
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(
            broker=broker,
            registry=stem.registry,
            backend=backend,
            queue="models",
            concurrency=1,
            app="examples.processes:stem",  # where the children find the tasks
            lifecycle=WorkerLifecycleConfig(max_tasks_per_child=100, max_memory_per_child_bytes=500_000_000),
        )
        await worker.start()
        status = await stem.wait_for(await train.enqueue(), timeout=20)
        print(f"{status.state} at attempt {status.attempt}, in another process: {status.result != os.getpid()}")
        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
