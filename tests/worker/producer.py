"""A producer in a process of its own: `python -m tests.worker.producer URL NAMESPACE MEMBERS SECONDS`.

It sends one group with a callback, prints what it sent as JSON, and exits.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from stem_core import RESULT, Job, SimpleTaskRegistry, Stem
from stem_core.stores import connect_broker
from stem_core.tasks import FunctionTaskHandler


async def main(url: str, namespace: str, members: str, seconds: str) -> None:
    registry = SimpleTaskRegistry()
    for name in ("member", "collect"):
        registry.register(FunctionTaskHandler(name, lambda **args: args))
    broker = await connect_broker(url, namespace=namespace)
    stem = Stem(broker=broker, registry=registry)
    jobs = [Job("member", {"number": number, "seconds": float(seconds)}) for number in range(int(members))]
    group = await stem.enqueue_group(jobs, callback=Job("collect", {"results": RESULT}))
    sys.stdout.write(msgspec.json.encode(group).decode())
    await stem.close()
    await broker.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
