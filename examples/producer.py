"""A producer as a program of its own. Start examples.worker first, with the same environment.

python -m examples.producer
"""

from __future__ import annotations

import asyncio

from examples.worker import registry
from stem_core import Stem


async def main() -> None:
    async with Stem.from_environment(registry=registry) as stem:
        task_id = await stem.enqueue("image.resize", {"path": "cat.png"})
        status = await stem.wait_for(task_id, timeout=10)
        print(f"{status.name}: {status.state}, {status.result}")


if __name__ == "__main__":
    asyncio.run(main())
