"""Enqueueing in each way that a peer has, measured."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from benchmarks.peers.producer import Producer

_APART: Final = 0.1
"""Seconds between two jobs whose latency is measured."""
_BATCH: Final = 500


async def _one(producer: Producer, numbers: range) -> float:
    began = time.perf_counter()
    if inspect.iscoroutinefunction(producer.one):
        for n in numbers:
            await producer.one(n)
    else:
        for n in numbers:
            producer.one(n)
    return len(numbers) / (time.perf_counter() - began)


async def _fifty(producer: Producer, numbers: range) -> float | None:
    if not inspect.iscoroutinefunction(producer.one):
        await _one(producer, numbers)
        return None
    waiting = iter(numbers)

    async def some() -> None:
        for n in waiting:
            await producer.one(n)  # type: ignore[misc] # a coroutine function, as was seen above

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(some())
    return len(numbers) / (time.perf_counter() - began)


async def _batch(producer: Producer, numbers: range) -> float | None:
    if producer.many is None:
        await _fifty(producer, numbers)
        return None
    began = time.perf_counter()
    for start in range(0, len(numbers), _BATCH):
        enqueued = producer.many(numbers[start : start + _BATCH])
        if inspect.isawaitable(enqueued):
            await enqueued
    return len(numbers) / (time.perf_counter() - began)


async def _apart(producer: Producer, numbers: range) -> list[float]:
    sent = []
    for n in numbers:
        sent.append(time.time())
        enqueued = producer.one(n)
        if inspect.isawaitable(enqueued):
            await enqueued
        await asyncio.sleep(_APART)
    return sent


_WAYS: Final = {"one": _one, "fifty": _fifty, "batch": _batch, "apart": _apart}


async def produce(
    opened: Callable[[], AbstractAsyncContextManager[Producer]], first: int, plan: Sequence[tuple[str, int]]
) -> dict[str, float | list[float] | None]:
    """Enqueue jobs, numbered onwards from `first`.

    Args:
        opened: The peer's producer.
        first: The number of the first job; it is enqueued before anything is measured, so that all is connected.
        plan: Ways of enqueueing (`one` at a time, `fifty` at once, in a `batch`, `apart` in time) and how many jobs
            each enqueues. In ways that the peer lacks they are enqueued in the next simpler one.

    Returns:
        By way: jobs per second, None if the peer lacks it, or when each call began.
    """
    found: dict[str, float | list[float] | None] = {}
    async with opened() as producer:
        await _one(producer, range(first, first + 1))
        first += 1
        for way, jobs in plan:
            found[way] = await _WAYS[way](producer, range(first, first + jobs))
            first += jobs
    return found
