"""Waiting for work.

A fetch that found nothing listens to the bells of its queues. A bell carries no job, so a listener may be cut off at
any moment, and nothing is lost by it but a wake-up, which the next one who looks makes good within two seconds.
"""

from __future__ import annotations

import asyncio

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Subscription
from stem_core.errors import BrokerError
from stem_core.service import spawn
from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import RedisConnection


class Listener:
    """Listens for the owners of one broker object."""

    def __init__(self, connection: RedisConnection, namespace: str) -> None:
        self._redis = connection
        self._namespace = namespace
        self._waiting: dict[str, asyncio.Task[object]] = {}
        self._interrupted: set[str] = set()

    async def listen(self, wanted: Subscription, wait: float) -> str | None:
        """Wait for a bell.

        Args:
            wanted: Who waits, for which queues.
            wait: Seconds, at most what a read may block.

        Returns:
            The queue that rang, "" if none did in time, None if the waiting was interrupted.
        """
        if wanted.owner in self._interrupted:
            self._interrupted.discard(wanted.owner)
            return None
        bells = {keys.bell(self._namespace, queue): queue for queue in wanted.queues}
        wait = max(0.01, wait)
        waiting = self._redis.block("BLPOP", *bells, wait) if bells else SYSTEM_CLOCK.sleep(wait)
        task = spawn(waiting, f"listen-{wanted.owner}")
        self._waiting[wanted.owner] = task
        try:
            await asyncio.wait([task])
        finally:
            self._waiting.pop(wanted.owner, None)
            task.cancel()
            await asyncio.wait([task])
        if task.cancelled():
            self._interrupted.discard(wanted.owner)
            return None
        return self._rung(task.result(), bells)

    def _rung(self, reply: object, bells: dict[str, str]) -> str:
        if not isinstance(reply, list) or not reply:
            return ""
        name = reply[0]
        if not isinstance(name, bytes):
            raise BrokerError(f"{self._redis.location} answered BLPOP with {type(name).__name__}")
        return bells[name.decode()]

    def interrupt(self, owner: str) -> None:
        """End that owner's waiting, or its next one."""
        task = self._waiting.get(owner)
        if task is None or not task.cancel():
            self._interrupted.add(owner)
