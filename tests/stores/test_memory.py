"""The store in memory serves several event loops in several threads at once."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from stem_core.delivery import Revocation
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.memory.jobs import Job
from stem_core.testing.contract.harness import DEADLINE, publish, settle, stats, take


def work(broker: InMemoryBroker, owner: str, number: int) -> list[str]:
    """Fetch and settle jobs on an event loop of this thread's own, until that many succeeded in all."""

    async def run() -> list[str]:
        found: list[str] = []
        while (await stats(broker)).succeeded < number:
            held = await take(broker, 3, owner, wait=0.05)
            await settle(broker, held)
            found += [delivery.id for delivery in held]
        return found

    return asyncio.run(run())


async def test_workers_in_other_threads_share_the_jobs() -> None:
    broker = InMemoryBroker()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(4) as pool:
        workers = [loop.run_in_executor(pool, work, broker, f"w{number}", 200) for number in range(4)]
        ids = [task_id for _ in range(20) for task_id in await publish(broker, 10)]
        async with asyncio.timeout(DEADLINE):
            shares = await asyncio.gather(*workers)
    assert Counter(task_id for share in shares for task_id in share) == Counter(ids)


async def test_a_wait_in_another_thread_wakes_and_can_be_interrupted_from_here() -> None:
    broker = InMemoryBroker()
    for end in ("publish", "interrupt"):
        waiting = asyncio.ensure_future(asyncio.to_thread(lambda: asyncio.run(take(broker, wait=DEADLINE))))
        await asyncio.sleep(0.05)
        if end == "publish":
            await publish(broker)
        else:
            broker.interrupt("w1")
        async with asyncio.timeout(2.0):
            assert len(await waiting) == (end == "publish")


async def test_delayed_jobs_that_are_revoked_are_given_back_before_they_are_due() -> None:
    broker = InMemoryBroker()
    kept = await publish(broker, 3, delay=1000.0)
    ids = await publish(broker, 2000, delay=1000.0)
    until = await broker.time() + 3600.0
    before = count_jobs()
    answers = await broker.revoke([Revocation(id=each, until=until) for each in ids], dict.fromkeys(ids, b"null}"))
    assert set(answers) == {"cancelled"}
    assert count_jobs() == before - 2000
    assert len(broker._queues["q"]._delayed._order) < 100
    assert [place.id for place in await broker.waiting("q", 10)] == kept
    assert (await stats(broker)).delayed == 3


def count_jobs() -> int:
    gc.collect()
    return sum(isinstance(each, Job) for each in gc.get_objects())
