"""What reaches the store, against a store that misbehaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery, Settled, Settlement, Upkeep
from stem_core.envelope import Sealed
from stem_core.errors import BrokerUnavailableError, ConfigurationError
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.tasks import SimpleTaskRegistry
from stem_core.worker import Worker
from stem_core.worker.active import Job
from stem_core.worker.lease import LeaseKeeper
from stem_core.worker.upkeep import LEAST, MOST, pause_after
from tests.worker.cluster import Cluster, until


class LostReply(InMemoryBroker):
    """A broker that settles and then loses its answer, once; it also remembers what began and was renewed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lose = 1
        self.begun: list[str] = []
        self.holds: list[float] = []

    async def settle(self, outcomes: Sequence[Settlement]) -> list[Settled]:
        answers = await super().settle(outcomes)
        if self.lose:
            self.lose -= 1
            raise BrokerUnavailableError("the reply was lost")
        return answers

    async def begin(self, held: Sequence[Delivery]) -> None:
        self.begun += [each.id for each in held]
        await super().begin(held)

    def renew(self, held: Sequence[Delivery]) -> list[bool]:
        self.holds += [each.hold for each in held]
        return super().renew(held)


@pytest.fixture
async def lossy(namespace: str) -> Any:
    cluster = Cluster(LostReply(namespace=namespace, lease=600.0))
    yield cluster
    await cluster.close()


async def test_an_outcome_whose_reply_was_lost_is_sent_again_and_counted_once(lossy: Cluster) -> None:
    async def work() -> None: ...

    lossy.task("work", work)
    worker = await lossy.worker()
    assert (await lossy.ended(await lossy.send("work"))).state is TaskState.SUCCEEDED
    await until(lambda: worker.snapshot().succeeded == 1)
    assert worker.snapshot().held == 0
    assert (await lossy.broker.stats(["default"]))[0].succeeded == 1


async def test_a_second_delivery_is_recorded_before_its_handler_starts(lossy: Cluster) -> None:
    broker = lossy.broker
    assert isinstance(broker, LostReply)
    seen: list[list[str]] = []

    async def work(context: Any) -> None:
        seen.append(list(broker.begun))
        if context.attempt == 0:
            context.retry(0.0)

    lossy.task("work", work, max_retries=1)
    await lossy.worker()
    task_id = await lossy.send("work")
    await lossy.ended(task_id)
    assert seen == [[], [task_id]]


async def test_a_longer_visibility_is_made_known_at_once(lossy: Cluster) -> None:
    broker = lossy.broker
    assert isinstance(broker, LostReply)
    lossy.task("work", lambda: asyncio.sleep(30), execution="inline", visibility_timeout=1200)
    await lossy.worker()
    await lossy.send("work")
    await until(lambda: 1200.0 in broker.holds)  # long before a third of the lease is over


class Counting:
    """Renews for ever, failing now and then."""

    def __init__(self) -> None:
        self.calls = 0

    def renew(self, held: Sequence[Delivery]) -> list[bool]:
        self.calls += 1
        if self.calls == 2:
            raise BrokerUnavailableError("down")
        return [each.id != "lost" for each in held]


async def test_leases_are_renewed_while_the_loop_is_blocked_and_losses_reported() -> None:
    jobs = [Job(Delivery(id=name, queue="q", body=b"", owner="w", token=name), None) for name in ("kept", "lost")]
    lost: list[str] = []
    store = Counting()
    keeper = LeaseKeeper(store, lambda: list(jobs), lambda job: lost.append(job.delivery.id), SYSTEM_CLOCK)  # type: ignore[arg-type]  # only renew is used
    keeper.start(0.06, "w")
    blocked = threading.Event()
    while store.calls < 5:
        blocked.wait(0.01)
    assert lost == []
    await until(lambda: lost)
    await keeper.stop()
    assert set(lost) == {"lost"}
    assert keeper.age is not None


@pytest.mark.parametrize(
    ("done", "least", "most"),
    [
        (Upkeep(), MOST * 0.75, MOST),
        (Upkeep(next_due=0.08), 0.08, 0.08),
        (Upkeep(next_due=0.0), LEAST, LEAST),
        (Upkeep(next_due=99.0), MOST * 0.75, MOST),
        (Upkeep(promoted=256), LEAST, LEAST),
        (Upkeep(promoted=256, next_due=0.0), 0.0, 0.0),
    ],
)
def test_upkeep_comes_back_when_the_next_job_is_due(done: Upkeep, least: float, most: float) -> None:
    for jitter in (0.0, 0.5, 0.99):
        assert least <= pause_after(done, 15.0, jitter) <= most


@pytest.mark.parametrize(
    "setting",
    [
        {"concurrency": 0},
        {"prefetch_multiplier": 0},
        {"heartbeat_interval": 0},
        {"consumer_name": ""},
        {"queue": "a b"},
    ],
    ids=lambda setting: next(iter(setting)),
)
async def test_a_setting_that_cannot_work_is_refused_by_name(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="queue|worker id|" + next(iter(setting))):
        Worker(broker=InMemoryBroker(), registry=SimpleTaskRegistry(), **setting)


async def test_bytes_that_are_no_envelope_are_dead_and_their_record_is_readable(memory: Cluster) -> None:
    await memory.worker()
    await memory.broker.publish([Sealed("junk1", "default", 0, b"\xff not json")])
    status = await memory.ended("junk1")
    assert (status.state, status.reason, status.queue) == (TaskState.FAILED, "invalid-envelope", "default")
    letters, _ = await memory.broker.dead("default", 10)
    assert letters[0].body == b"\xff not json"
