"""Tasks made of plain functions, put into a registry by hand: python -m examples.function"""

from __future__ import annotations

import asyncio

from stem_core import FunctionTaskHandler, ShutdownMode, SimpleTaskRegistry, Stem, TaskContext, TaskOptions, Worker


def resize(path: str, width: int = 640) -> str:
    """Runs in a thread, since it is no coroutine function."""
    return f"{path}@{width}"


async def describe(context: TaskContext, path: str) -> str:
    """Runs on the event loop; gets the context because its first parameter asks for it."""
    return f"{path}: {context.name}, attempt {context.attempt}"


registry = (
    SimpleTaskRegistry()
    .register(FunctionTaskHandler("image.resize", resize, TaskOptions(queue="images", max_retries=2)))
    .register(FunctionTaskHandler("image.describe", describe, TaskOptions(queue="images")))
)


async def main() -> None:
    async with Stem.from_environment(registry=registry) as stem:
        broker, backend = await stem.connect()
        worker = Worker(broker=broker, registry=registry, backend=backend, queue="images", concurrency=2)
        await worker.start()
        for name in ("image.resize", "image.describe"):
            status = await stem.wait_for(await stem.enqueue(name, {"path": "cat.png"}), timeout=10)
            print(f"{name}: {status.result}")
        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
