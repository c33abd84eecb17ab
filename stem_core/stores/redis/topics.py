"""Topics and presences on Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Presence
from stem_core.events import EVENTS_TOPIC
from stem_core.stores.port import FROM_NOW, Message
from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import LONGEST_BLOCK, Argument, RedisConnection

_EVENTS_KEPT: Final = 20_000
_OTHERS_KEPT: Final = 2_000


class RedisTopics:
    """Bounded logs that everyone reads with a cursor of their own; no consumer groups. One part of the broker."""

    namespace: str
    _redis: RedisConnection

    async def append(self, topic: str, bodies: Sequence[bytes], ttl: float | None = None) -> None:
        """Append; the oldest entries over the bound are forgotten."""
        key = keys.topic(self.namespace, topic)
        kept = _EVENTS_KEPT if topic == EVENTS_TOPIC else _OTHERS_KEPT
        batch: list[Sequence[Argument]] = [("XADD", key, "MAXLEN", "~", kept, "*", "b", body) for body in bodies]
        if ttl is not None:
            batch.append(("PEXPIRE", key, round(ttl * 1000)))
        for reply in await self._redis.commands(batch):
            self._redis.check(reply)

    async def read(self, cursors: Mapping[str, str], limit: int, wait: float) -> list[Message]:
        """Return entries after these cursors, waiting for the first; safe to cancel."""
        deadline = SYSTEM_CLOCK.monotonic() + wait
        at = {topic: await self.tail(topic) if cursor == FROM_NOW else cursor for topic, cursor in cursors.items()}
        topics = {keys.topic(self.namespace, topic).encode(): topic for topic in at}
        while True:
            block = max(0.0, min(deadline - SYSTEM_CLOCK.monotonic(), LONGEST_BLOCK))
            waiting: list[Argument] = ["BLOCK", max(1, round(block * 1000))] if block > 0 else []
            reply: Any = await self._redis.block("XREAD", "COUNT", limit, *waiting, "STREAMS", *topics, *at.values())
            if reply or block <= 0:
                return [
                    Message(topics[key], entry.decode(), fields[1])
                    for key, entries in reply or []
                    for entry, fields in entries
                ]

    async def tail(self, topic: str) -> str:
        """Return the cursor of the newest entry."""
        newest: Any = await self._redis.command("XREVRANGE", keys.topic(self.namespace, topic), "+", "-", "COUNT", 1)
        return newest[0][0].decode() if newest else "0-0"

    async def announce(self, worker: str, body: bytes, ttl: float) -> None:
        """Keep a worker's snapshot for `ttl` seconds."""
        await self._redis.run("announce", keys.presences(self.namespace), [worker, body, round(ttl * 1000)])

    async def withdraw(self, worker: str) -> None:
        """Forget a worker that ended."""
        snapshots, seen, expire = keys.presences(self.namespace)
        # Whoever reads in between finds by `seen` who is there, and must find the snapshot too.
        for reply in await self._redis.commands(
            [("ZREM", seen, worker), ("ZREM", expire, worker), ("HDEL", snapshots, worker)]
        ):
            self._redis.check(reply)

    async def presences(self) -> list[Presence]:
        """Return all workers whose time has not run out."""
        reply: Any = await self._redis.run("presences", keys.presences(self.namespace), [])
        return [Presence(worker=name.decode(), age=max(0, age) / 1000, body=body) for name, age, body in reply]
