"""Worker and producer on Redis, by its own classes; jobs and results in two databases.

STEM_BROKER_URL=redis://localhost:6379 python -m examples.redis_worker
"""

from __future__ import annotations

import asyncio
import os

from stem_core import (
    FunctionTaskHandler,
    RedisResultBackend,
    RedisStreamsBroker,
    ShutdownMode,
    SimpleTaskRegistry,
    Stem,
    TaskOptions,
    Worker,
)


def resize(path: str, width: int = 640) -> str:
    return f"{path}@{width}"


async def main() -> None:
    url = os.environ.get("STEM_BROKER_URL", "redis://localhost:6379")
    results = os.environ.get("STEM_RESULT_BACKEND_URL", "redis://localhost:6379/1")
    registry = SimpleTaskRegistry().register(FunctionTaskHandler("image.resize", resize, TaskOptions(queue="images")))
    async with (
        await RedisStreamsBroker.connect(url) as broker,
        await RedisResultBackend.connect(results) as backend,
    ):
        worker = Worker(broker=broker, registry=registry, backend=backend, queue="images", concurrency=2)
        await worker.start()

        stem = Stem(broker=broker, registry=registry, backend=backend)
        task_id = await stem.enqueue("image.resize", args={"path": "cat.png"})
        status = await stem.wait_for(task_id, timeout=10)
        print(f"{status.name}: {status.state}, {status.result}")

        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
