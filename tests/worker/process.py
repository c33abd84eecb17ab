"""A worker in a process of its own: `python -m tests.worker.process URL NAMESPACE WORKER LEDGER SKEW`.

SKEW is by how many seconds its clock is wrong.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from stem_core.options import TaskOptions
from stem_core.stores import connect_broker
from stem_core.tasks import FunctionTaskHandler, SimpleTaskRegistry, TaskContext
from stem_core.testing.contract.harness import ShiftedClock
from stem_core.worker import Worker


async def main(url: str, namespace: str, worker: str, ledger: str, skew: str) -> None:
    file = os.open(ledger, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def note(what: str, context: TaskContext) -> None:
        os.write(file, f"{what} {context.id} {worker} {time.time():.6f}\n".encode())

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

    async def member(context: TaskContext, number: int, seconds: float) -> int:
        note("start", context)
        await asyncio.sleep(seconds)
        note("end", context)
        return number

    async def collect(context: TaskContext, results: list[int]) -> list[int]:
        note("collect", context)
        return results

    registry = SimpleTaskRegistry()
    registry.register(FunctionTaskHandler("work", work))
    registry.register(FunctionTaskHandler("block", block))
    registry.register(FunctionTaskHandler("poison", poison, TaskOptions(max_retries=5)))
    registry.register(FunctionTaskHandler("member", member))
    registry.register(FunctionTaskHandler("collect", collect))
    clock = ShiftedClock()
    clock.shift = float(skew)
    broker = await connect_broker(url, namespace=namespace, lease=1.0)
    await Worker(broker=broker, registry=registry, consumer_name=worker, concurrency=4, clock=clock).run()
    await broker.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
