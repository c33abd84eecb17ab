"""A worker in a process of its own: `python -m tests.worker.process URL NAMESPACE WORKER LEDGER`."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from stem_core.options import TaskOptions
from stem_core.stores import connect_broker
from stem_core.tasks import FunctionTaskHandler, SimpleTaskRegistry, TaskContext
from stem_core.worker import Worker


async def main(url: str, namespace: str, worker: str, ledger: str) -> None:
    file = os.open(ledger, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def note(what: str, context: TaskContext) -> None:
        os.write(file, f"{what} {context.id} {worker}\n".encode())

    async def work(context: TaskContext, seconds: float) -> str:
        note("start", context)
        await asyncio.sleep(seconds)
        note("end", context)
        return worker

    def block(context: TaskContext, seconds: float) -> str:
        note("start", context)
        time.sleep(seconds)
        return worker

    async def poison(context: TaskContext) -> None:
        note("start", context)
        os._exit(9)

    registry = SimpleTaskRegistry()
    registry.register(FunctionTaskHandler("work", work))
    registry.register(FunctionTaskHandler("block", block))
    registry.register(FunctionTaskHandler("poison", poison, TaskOptions(max_retries=5)))
    broker = await connect_broker(url, namespace=namespace, lease=1.0)
    try:
        await Worker(broker=broker, registry=registry, consumer_name=worker, concurrency=4).run()
    finally:
        await broker.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
