"""A worker as a program of its own, on whichever store the environment names; without any, on your SQLite file.

python -m examples.worker      until Ctrl-C or SIGTERM
python -m examples.producer    in another terminal
"""

from __future__ import annotations

import asyncio

from stem_core import (
    FunctionTaskHandler,
    RoutingSubscription,
    SimpleTaskRegistry,
    StemConfig,
    TaskOptions,
    Worker,
    connect_backend,
    connect_broker,
)


def resize(path: str, width: int = 640) -> str:
    return f"{path}@{width}"


registry = SimpleTaskRegistry().register(FunctionTaskHandler("image.resize", resize, TaskOptions(queue="images")))


async def main() -> None:
    config = StemConfig.from_environment()
    results = config.result_backend_url or config.broker_url
    broker = await connect_broker(config.broker_url, namespace=config.namespace, tls=config.tls)
    backend = await connect_backend(results, namespace=config.namespace, tls=config.tls)
    worker = Worker(
        broker=broker,
        registry=registry,
        backend=backend,
        subscription=RoutingSubscription(config.worker_queues or ["images"], config.worker_broadcasts),
        prefetch_multiplier=config.prefetch_multiplier,
        heartbeat_interval=config.heartbeat_interval,
    )
    try:
        await worker.start()
        print(f"{worker.id} is ready", flush=True)
        await worker.run()  # handles signals; returns once the worker has ended
    finally:
        await backend.close()
        await broker.close()
    print("ended")


if __name__ == "__main__":
    asyncio.run(main())
