"""What the contract tests are written with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery, EndedRange, Outcome, QueueStats, Settled, Settlement, Subscription
from stem_core.envelope import Envelope, Sealed, new_task_id, seal
from stem_core.results import TaskRecord, encode_record
from stem_core.states import TaskState
from stem_core.stores.port import Broker, KeptRecord, ResultBackend

LEASE = 0.4
"""Seconds; short, so that a real server's leases run out within a test, and no shorter than a busy machine's pauses."""

AT_ONCE = 1.5
"""Seconds in which a busy machine does what is done at once."""

DEADLINE = 10.0


class Store(Protocol):
    """A store under test."""

    broker: Broker

    async def another(self) -> Broker:
        """Return a second way into the same store, as another process would have."""

    async def pass_time(self, seconds: float) -> None:
        """Let that much of the store's time pass."""


class ShiftedClock:
    """The machine's clock, and what a test adds to it."""

    def __init__(self) -> None:
        self.shift = 0.0

    def time(self) -> float:
        return SYSTEM_CLOCK.time() + self.shift

    def monotonic(self) -> float:
        return SYSTEM_CLOCK.monotonic() + self.shift

    async def sleep(self, seconds: float) -> None:
        await SYSTEM_CLOCK.sleep(seconds)


def job(queue: str = "q", *, priority: int = 0, delay: float = 0.0, not_before: float | None = None) -> Sealed:
    """Return a job with a new id."""
    return seal(Envelope(id=new_task_id(), name="demo", queue=queue, priority=priority), delay, not_before)


async def publish(broker: Broker, number: int = 1, queue: str = "q", **options: float) -> list[str]:
    """Publish jobs; returns their ids."""
    batch = [job(queue, **options) for _ in range(number)]  # type: ignore[arg-type]  # ints and floats by name
    await broker.publish(batch)
    return [one.id for one in batch]


async def take(
    broker: Broker, limit: int = 100, owner: str = "w1", queues: Sequence[str] = ("q",), wait: float = 0.0
) -> list[Delivery]:
    """Fetch."""
    return await broker.fetch(Subscription(owner=owner, queues=tuple(queues)), limit, wait)


async def take_one(broker: Broker, owner: str = "w1", queue: str = "q") -> Delivery:
    """Fetch the one job there is."""
    (delivery,) = await take(broker, 1, owner, (queue,), wait=5.0)
    return delivery


def record(delivery: Delivery, state: TaskState = TaskState.SUCCEEDED, result: object = None) -> bytes:
    """Return the record that a worker would store."""
    return encode_record(
        TaskRecord(
            state=state,
            attempt=delivery.attempt,
            deliveries=delivery.deliveries,
            result=result,
            envelope=msgspec.Raw(delivery.body),
        )
    )


def kept(task_id: str, body: bytes, *, queue: str = "q", ttl: float = 10.0, deliveries: int = 1) -> KeptRecord:
    """Return a record for a result backend."""
    return KeptRecord(task_id, queue, body, ttl, deliveries)


def outcome(delivery: Delivery, kind: Outcome = Outcome.SUCCEEDED, **details: object) -> Settlement:
    """Return a settlement; terminal ones keep a record."""
    states = {
        Outcome.SUCCEEDED: TaskState.SUCCEEDED,
        Outcome.DEAD: TaskState.FAILED,
        Outcome.REVOKED: TaskState.CANCELLED,
    }
    if kind in states:
        details.setdefault("record", record(delivery, states[kind]))
    return Settlement(delivery=delivery, outcome=kind, **details)  # type: ignore[arg-type]  # checked by the record


async def settle(
    broker: Broker, deliveries: Sequence[Delivery], kind: Outcome = Outcome.SUCCEEDED, **details: object
) -> list[Settled]:
    """Settle all in one call."""
    return await broker.settle([outcome(delivery, kind, **details) for delivery in deliveries])


async def all_ended(results: ResultBackend, wanted: EndedRange, page: int = 2) -> list[bytes]:
    """Return all records of a range, read page by page."""
    found, cursor = await results.ended(wanted, page)
    while cursor:
        more, cursor = await results.ended(wanted, page, cursor)
        found += more
    return found


async def stats(broker: Broker, queue: str = "q") -> QueueStats:
    """Return one queue's figures."""
    (figures,) = await broker.stats([queue])
    return figures


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds; fails after a deadline."""
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.01)


async def let_leases_run_out(store: Store) -> None:
    """Let a bit more than a lease pass."""
    await store.pass_time(LEASE * 1.2)


def conserved(figures: QueueStats) -> bool:
    """Whether every job that entered is somewhere, and only there."""
    ended = figures.succeeded + figures.failed + figures.cancelled
    return figures.published == figures.ready + figures.inflight + figures.delayed + ended
