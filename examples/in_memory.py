"""Producer and worker in one process, on memory. Needs nothing: python -m examples.in_memory"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from stem_core import (
    InMemoryBroker,
    InMemoryResultBackend,
    ShutdownMode,
    SimpleTaskRegistry,
    Stem,
    TaskContext,
    TaskHandler,
    TaskOptions,
    Worker,
)


class EmailTask(TaskHandler[None]):
    name = "email.send"
    options = TaskOptions(queue="default", max_retries=2, visibility_timeout=timedelta(seconds=30))

    async def call(self, context: TaskContext, args: dict[str, object]) -> None:
        print(f"Sending to {args['to']} (attempt {context.attempt})")


async def main() -> None:
    registry = SimpleTaskRegistry().register(EmailTask())
    broker, backend = InMemoryBroker(), InMemoryResultBackend()
    worker = Worker(broker=broker, registry=registry, backend=backend, queue="default", concurrency=4)
    await worker.start()

    stem = Stem(broker=broker, registry=registry, backend=backend)
    task_id = await stem.enqueue("email.send", args={"to": "hello@example.com"})
    status = await stem.wait_for(task_id, timeout=5)
    print(f"{status.name}: {status.state}")

    await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
