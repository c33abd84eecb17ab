"""How much a worker holds and runs at once."""

from __future__ import annotations

import asyncio

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery
from stem_core.routing import RoutingSubscription
from stem_core.stores.memory import InMemoryBroker
from stem_core.worker.active import Job, Window
from tests.worker.cluster import Cluster, until


def job(number: int, crashes: int = 0) -> Job:
    return Job(Delivery(id=str(number), queue="q", body=b"", owner="w", token=str(number), crashes=crashes), None)


def window(concurrency: int = 2, multiplier: int = 4) -> Window:
    made = Window(concurrency, multiplier, SYSTEM_CLOCK)
    made.accepting = True
    return made


async def test_a_fetch_waits_until_a_fourth_of_the_window_is_free_or_nothing_waits() -> None:
    held = window()
    jobs = [job(number) for number in range(8)]
    held.add(jobs)
    assert held.wanted() == 0
    first = held.take()
    assert first is not None
    held.ended(first)
    held.release(first)
    assert held.wanted() == 0
    second = held.take()
    assert second is not None
    held.release(second)
    assert held.wanted() == 2
    held.accepting = False
    assert held.wanted() == 0


async def test_a_job_that_crashed_two_workers_runs_while_nothing_else_does() -> None:
    held = window()
    held.add([job(1)])
    neighbour = held.take()
    assert neighbour is not None
    poison = job(2, crashes=2)
    held.add([poison, job(3)])
    assert held.take() is None
    held.ended(neighbour)
    assert held.take() is poison
    assert held.take() is None
    held.ended(poison)
    held.release(poison)
    after = held.take()
    assert after is not None
    assert after.delivery.id == "3"


async def test_no_ending_that_the_store_lacks_is_put_at_risk_by_a_job_that_may_crash() -> None:
    held, woken = window(), 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    held.on_work = wake
    first, second = job(1, crashes=2), job(2, crashes=2)
    held.add([first, second, job(3)])
    assert held.take() is first
    first.settling = True
    held.ended(first)
    assert held.take() is None
    before = woken
    held.release(first)
    assert woken > before
    assert held.take() is second
    held.ended(second)
    assert held.take() is None
    held.release(second)
    assert held.take() is not None


async def test_a_job_that_was_lost_while_it_ran_alone_holds_others_up_until_it_has_ended() -> None:
    held = window()
    sole = job(1, crashes=2)
    held.add([sole, job(2)])
    assert held.take() is sole
    held.release(sole)
    assert held.take() is None
    held.ended(sole)
    assert held.take() is not None


async def test_what_is_too_much_after_scaling_down_is_the_youngest_unstarted() -> None:
    held = window()
    held.add([job(number) for number in range(8)])
    held.concurrency = 1
    assert [each.delivery.id for each in held.excess()] == ["7", "6", "5", "4"]


async def test_no_more_run_and_no_more_are_held_than_allowed(cluster: Cluster) -> None:
    now, most, held_most = 0, 0, 0
    go = asyncio.Event()

    async def work() -> None:
        nonlocal now, most, held_most
        now += 1
        most = max(most, now)
        held_most = max(held_most, worker.snapshot().held)
        await go.wait()
        await asyncio.sleep(0.001)
        now -= 1

    cluster.task("work", work)
    ids = [await cluster.send("work") for _ in range(40)]
    worker = await cluster.worker(concurrency=3, prefetch_multiplier=2)
    await until(lambda: worker.snapshot().held == 6)
    stats = (await cluster.broker.stats(["default"]))[0]
    assert (stats.inflight, stats.ready) == (6, 34)
    go.set()
    for each in ids:
        await cluster.ended(each)
    assert most == 3
    assert held_most <= 6


async def test_all_queues_of_a_subscription_are_served(cluster: Cluster) -> None:
    async def work() -> None: ...

    cluster.task("work", work)
    queues = ["a", "b", "c"]
    await cluster.worker(subscription=RoutingSubscription(queues=queues))
    for queue in queues * 3:
        status = await cluster.ended(await cluster.send("work", queue=queue))
        assert status.queue == queue


class Fenced(InMemoryBroker):
    """A broker that says of each renewal that the lease is lost, once told to."""

    lost = False

    def renew(self, held: object) -> list[bool]:
        kept = super().renew(held)  # type: ignore[arg-type]  # handed on as it came
        return [False for _ in kept] if self.lost else kept


async def test_a_lost_lease_cancels_the_handler_and_drops_its_outcome(namespace: str) -> None:
    cluster = Cluster(Fenced(namespace, lease=1.0))
    seen: list[str] = []

    async def work() -> None:
        seen.append("started")
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    cluster.task("work", work)
    worker = await cluster.worker()
    task_id = await cluster.send("work")
    await until(lambda: seen)
    cluster.broker.lost = True  # type: ignore[attr-defined]  # the wrapper's own switch
    await until(lambda: "cancelled" in seen)
    assert worker.snapshot().held == 0
    assert (await cluster.broker.results().get([task_id])) == [None]
    await cluster.close()


async def test_a_task_longer_than_its_lease_runs_once(cluster: Cluster) -> None:
    runs: list[int] = []

    async def slow() -> None:
        runs.append(1)
        await asyncio.sleep(2.6)

    cluster.task("slow", slow)
    await cluster.worker()
    await cluster.worker()
    assert (await cluster.ended(await cluster.send("slow"))).deliveries == 1
    assert runs == [1]
