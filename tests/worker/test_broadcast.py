from __future__ import annotations

from stem_core.envelope import Envelope, new_task_id, seal
from stem_core.events import TaskFailed
from stem_core.routing import RoutingSubscription, broadcast_topic
from stem_core.tasks import TaskContext
from tests.worker.cluster import Cluster, until


async def shout(cluster: Cluster, name: str, **args: object) -> None:
    sealed = seal(Envelope(id=new_task_id(), name=name, args=args, broadcast="updates"))
    await cluster.broker.append(broadcast_topic("updates"), [sealed.body])


async def test_each_worker_runs_each_broadcast_from_its_own_start_on(cluster: Cluster) -> None:
    ran: list[tuple[str, int]] = []

    async def update(context: TaskContext, n: int) -> None:
        ran.append((context.worker, n))

    cluster.task("update", update)
    await shout(cluster, "update", n=0)
    subscription = RoutingSubscription(queues=["default"], broadcast_channels=["updates"])
    await cluster.worker(subscription=subscription)
    await cluster.worker(subscription=RoutingSubscription(broadcast_channels=["updates"]))
    await shout(cluster, "update", n=1)
    await shout(cluster, "update", n=2)
    await until(lambda: len(ran) == 4)
    assert sorted(ran) == [("w1", 1), ("w1", 2), ("w2", 1), ("w2", 2)]


async def test_a_failing_broadcast_is_told_and_not_repeated(memory: Cluster) -> None:
    async def fail() -> None:
        raise ValueError("no")

    memory.task("fail", fail, max_retries=3)
    worker = await memory.worker(subscription=RoutingSubscription(broadcast_channels=["updates"]))
    await shout(memory, "fail")
    await until(lambda: worker.snapshot().failed == 1)
    await worker.shutdown()
    events = await memory.events(TaskFailed)
    assert [event.reason for event in events if isinstance(event, TaskFailed)] == ["broadcast"]
