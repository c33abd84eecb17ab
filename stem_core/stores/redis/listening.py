"""Waiting for work.

A fetch that found nothing listens to the bells of its queues. A bell carries no job, so a listener may be cut off at
any moment, and nothing is lost by it but a wake-up, which the next one who looks makes good within two seconds.

Bells that lie in different slots are read by a command each. When one rings, the other commands stay under way for the
next time, since ending them would cost a connection each; what rings for nobody in the meantime is rung again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Subscription
from stem_core.errors import BrokerError
from stem_core.service import cancel, spawn
from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import Call, RedisConnection

Bells: TypeAlias = tuple[str, ...]


class Listener:
    """Listens for the owners of one broker object."""

    def __init__(self, connection: RedisConnection, namespace: str) -> None:
        self._redis = connection
        self._namespace = namespace
        self._ears: dict[str, _Ears] = {}
        self._interrupted: set[str] = set()

    async def listen(self, wanted: Subscription, wait: float) -> str | None:
        """Wait for a bell.

        Args:
            wanted: Who waits, for which queues.
            wait: Seconds, at most what a read may block.

        Returns:
            The queue that rang, "" if none did in time, None if the waiting was interrupted.

        Raises:
            BrokerError: No bell can be listened to.
        """
        owner = wanted.owner
        if owner not in self._interrupted:
            ears = self._ears.setdefault(owner, _Ears(self._redis, self._namespace, owner))
            rung = await ears.listen(wanted.queues, max(0.01, wait))
            if rung is not None:
                return rung
        self._interrupted.discard(owner)
        return None

    def interrupt(self, owner: str) -> None:
        """End that owner's waiting, or its next one."""
        ears = self._ears.get(owner)
        if ears is None or not ears.interrupt():
            self._interrupted.add(owner)

    async def close(self) -> None:
        """End all waiting."""
        for ears in self._ears.values():
            await ears.close()


class _Ears:
    """What one owner listens with: a command under way for each group of bells."""

    def __init__(self, connection: RedisConnection, namespace: str, owner: str) -> None:
        self._redis = connection
        self._namespace = namespace
        self._owner = owner
        self._under_way: dict[Bells, asyncio.Task[Any]] = {}
        self._wanted: set[Bells] = set()

    async def listen(self, queues: Sequence[str], wait: float) -> str | None:
        bells = {keys.bell(self._namespace, queue): queue for queue in queues}
        self._wanted = {tuple(group) for group in self._redis.together(list(bells))}
        deadline = SYSTEM_CLOCK.monotonic() + wait
        try:
            while True:
                rung = await self._next(bells, max(0.01, deadline - SYSTEM_CLOCK.monotonic()))
                if rung or rung is None or SYSTEM_CLOCK.monotonic() >= deadline:
                    break
        except BaseException:
            await self.close()
            raise
        finally:
            self._wanted = set()
        if not rung:
            return "" if rung == [] else None
        await self._ring_again(rung[1:])
        return rung[0]

    async def _next(self, bells: Mapping[str, str], wait: float) -> list[str] | None:
        """Return who rang first, and whoever did at the same moment; None if interrupted."""
        before = self._wanted & self._under_way.keys()
        for group in self._wanted - before:
            self._under_way[group] = spawn(self._hear(group, bells, wait), f"listen-{self._owner}")
        waiting = [self._under_way[group] for group in self._wanted]
        # What is under way from before may take longer than this wait; all else ends by itself in time.
        await asyncio.wait(waiting, timeout=wait if before else None, return_when=asyncio.FIRST_COMPLETED)
        ended = {group: task for group in self._wanted if (task := self._under_way[group]).done()}
        if any(task.cancelled() for task in ended.values()):
            await self.close()
            return None
        for group, task in ended.items():
            del self._under_way[group]
            self._give_up_if_failed(group, task)
        return [queue for task in ended.values() if task.exception() is None and (queue := task.result())]

    def _give_up_if_failed(self, group: Bells, task: asyncio.Task[Any]) -> None:
        """Listen on without bells that cannot be heard, as long as there are others."""
        error = task.exception()
        if error is not None:
            self._wanted.discard(group)
            if not self._wanted:
                raise error

    async def _hear(self, group: Bells, bells: Mapping[str, str], wait: float) -> str:
        if not group:
            await SYSTEM_CLOCK.sleep(wait)
            return ""
        reply = await self._redis.block("BLPOP", *group, wait)
        if not isinstance(reply, list) or not reply:
            return ""
        name = reply[0]
        if not isinstance(name, bytes):
            raise BrokerError(f"{self._redis.location} answered BLPOP with {type(name).__name__}")
        queue = bells[name.decode()]
        if group in self._wanted:
            return queue
        await self._ring_again([queue])
        return ""

    async def _ring_again(self, queues: Sequence[str]) -> None:
        calls = [Call("nudge", [keys.queue_prefix(self._namespace, queue)], []) for queue in queues]
        with suppress(BrokerError):  # nothing is lost but a wake-up
            await self._redis.run_many(calls)

    def interrupt(self) -> bool:
        """Return whether there was a waiting to end."""
        ended = [self._under_way[group].cancel() for group in self._wanted if group in self._under_way]
        return any(ended)

    async def close(self) -> None:
        under_way, self._under_way = self._under_way, {}
        with suppress(BrokerError):  # who waits no longer does not need to know
            await cancel(*under_way.values())
