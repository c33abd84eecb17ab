"""Jobs of which there is one at a time: the second enqueue gets the id of the first.

A lock in the store bears the job's id. It counts only as long as that job waits or runs: one that nobody freed, after a
crash or a revocation, keeps nothing out.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from stem_core.envelope import new_task_id, not_sendable
from stem_core.errors import BrokerError
from stem_core.service import Backoff
from stem_core.stores.port import Broker

DAY: Final = 86400.0
"""Seconds that a job keeps others like it out if nothing else is said."""

_INTENT: Final = 10.0
_PATIENCE: Final = 30.0


def unique_key(task: str, queue: str, args: Mapping[str, object]) -> str:
    """Return what two jobs have in common that must not be there twice: task, queue and arguments.

    Raises:
        InvalidArgumentsError: The arguments are not JSON.
    """
    try:
        text = msgspec.json.encode([task, queue, args], order="sorted")
    except (TypeError, ValueError, RecursionError) as error:
        raise not_sendable(task, error) from error
    return hashlib.sha256(text).hexdigest()


def lock_name(key: str) -> str:
    """Return the lock that bears the id of the job that is there."""
    return f"unique:{key}"


async def send_once(
    broker: Broker, key: str, task_id: str, unique_for: float, send: Callable[[], Awaitable[None]]
) -> str:
    """Send a job unless one like it waits or runs; return the id of the one that is there now.

    Args:
        broker: Where jobs are.
        key: What it has in common with others like it.
        task_id: Its id.
        unique_for: Seconds for which it keeps others out.
        send: Sends it.

    Raises:
        BrokerError: The broker refused it or cannot be reached, or other producers do not get on with jobs like it.
    """
    name, asker = lock_name(key), new_task_id()
    intent = f"{name}:intent"
    await _admitted(broker, intent, asker)
    try:
        there = await _there(broker, name) or await broker.lock(name, task_id, unique_for)
        if there == task_id:
            await send()
        return there
    finally:
        with suppress(BrokerError):  # it runs out by itself
            await broker.unlock(intent, asker)


async def _admitted(broker: Broker, intent: str, asker: str) -> None:
    """Return once no other producer is between looking and sending."""
    loop, backoff = asyncio.get_running_loop(), Backoff(least=0.005, most=0.1)
    deadline = loop.time() + _PATIENCE
    # No call is cut short: one that is may have taken the lock all the same, and nobody would free it.
    while await broker.lock(intent, asker, _INTENT) != asker:
        if loop.time() >= deadline:
            raise BrokerError(
                f"other producers have been enqueueing the same unique job for {_PATIENCE:.0f} s", "try again later"
            )
        await asyncio.sleep(backoff.next())


async def _there(broker: Broker, name: str) -> str | None:
    owner = await broker.lock_owner(name)
    if owner is None or (await broker.locate([owner]))[0] is not None:
        return owner
    await broker.unlock(name, owner)
    return None
