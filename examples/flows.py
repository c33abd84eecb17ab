"""Tasks that follow each other, and a group whose results come together: python -m examples.flows"""

from __future__ import annotations

import asyncio

from stem_core import RESULT, Job, ShutdownMode, Stem, Worker

stem = Stem.from_environment()


@stem.task("page.fetch", queue="pages", rate_limit="100/s")
async def fetch(page: int) -> int:
    return page * 10


@stem.task("page.add", queue="pages")
async def add(numbers: list[int]) -> int:
    return sum(numbers)


@stem.task("page.tell", queue="pages")
async def tell(what: object) -> str:
    return f"got {what}"


async def main() -> None:
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(broker=broker, registry=stem.registry, backend=backend, queue="pages")
        await worker.start()

        chain = await stem.enqueue_chain([fetch.job(page=2), Job("page.tell", {"what": RESULT})])
        print(f"chain: {(await stem.wait_for(chain[-1], timeout=10)).result}")

        pages = [fetch.job(page=page) for page in (3, 1, 2)]
        group = await stem.enqueue_group(pages, callback=Job("page.add", {"numbers": RESULT}))
        print(f"group: {await stem.wait_for_group(group.id, timeout=10)}")
        assert group.callback is not None
        print(f"callback: {(await stem.wait_for(group.callback, timeout=10)).result}")

        await worker.shutdown(ShutdownMode.WARM)


if __name__ == "__main__":
    asyncio.run(main())
