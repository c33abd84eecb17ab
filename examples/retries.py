"""Retries, a dead letter, and its replay: python -m examples.retries"""

from __future__ import annotations

import asyncio

from stem_core import ShutdownMode, Stem, TaskContext, TaskRetryPolicy, Worker
from stem_core.client import DeadLetters, LetterFilter

stem = Stem.from_environment()
tax_rates = {"de": 19}

POLICY = TaskRetryPolicy(default_delay=0.05, backoff=True, backoff_max=5, dont_auto_retry_for=("LookupError",))


@stem.task("price.fetch", queue="prices", max_retries=3, retry_policy=POLICY)
async def fetch(context: TaskContext) -> str:
    if context.attempt < 2:
        raise ConnectionError("the shop does not answer")
    return f"fetched at attempt {context.attempt}"


@stem.task("price.tax", queue="prices", max_retries=3, retry_policy=POLICY)
async def tax(country: str) -> int:
    return tax_rates[country]


async def main() -> None:
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(broker=broker, registry=stem.registry, backend=backend, queue="prices")
        await worker.start()

        print((await stem.wait_for(await fetch.enqueue(), timeout=5)).result)

        task_id = await tax.enqueue(country="at")
        status = await stem.wait_for(task_id, timeout=5)
        print(f"{status.state}: {status.reason}, {status.error.type if status.error else None}")

        tax_rates["at"] = 20  # the fault is mended
        await DeadLetters(broker).replay(LetterFilter(ids=(task_id,)))
        status = await stem.wait_for(task_id, timeout=5)
        print(f"{status.state}: {status.result}")

        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
