"""One worker for several queues and a broadcast channel; a routing file decides where tasks go.

python -m examples.routing
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from stem_core import RoutingSubscription, ShutdownMode, Stem, StemConfig, TaskContext, Worker, load_routing

ROUTING = Path(__file__).parents[1] / "sample_configs" / "routing.yaml"

stem = Stem(config=StemConfig.from_environment(), routing=load_routing(ROUTING))
invalidated = asyncio.Event()


@stem.task("billing.invoice")
async def invoice(context: TaskContext, customer: str) -> str:
    return f"invoice for {customer} from queue {context.queue}"


@stem.task("cache.invalidate")
async def invalidate(key: str) -> None:
    print(f"forgetting {key}")
    invalidated.set()


async def main() -> None:
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(
            broker=broker,
            backend=backend,
            registry=stem.registry,
            subscription=RoutingSubscription(queues=["critical", "default"], broadcast_channels=["updates"]),
        )
        await worker.start()

        gold = await invoice.with_options(headers={"tier": "gold"}).enqueue(customer="ann")
        plain = await invoice.enqueue(customer="bob")
        for task_id in (gold, plain):
            print((await stem.wait_for(task_id, timeout=5)).result)

        await invalidate.enqueue(key="users")  # every worker that listens to the channel gets it
        await asyncio.wait_for(invalidated.wait(), timeout=5)
        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
