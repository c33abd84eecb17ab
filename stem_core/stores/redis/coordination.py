"""Locks, token buckets, groups and documents on Redis; each has a slot of its own, so that a cluster spreads them."""

from __future__ import annotations

from typing import Any

from stem_core.stores.port import Document
from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import RedisConnection


class RedisCoordination:
    """What workers and producers agree on beside jobs. One part of `RedisStreamsBroker`."""

    namespace: str
    _redis: RedisConnection

    async def lock(self, name: str, owner: str, ttl: float) -> str:
        """Take a lock if it is free, or extend it; return who has it."""
        return await self._lock(name, owner, ttl, "take")

    async def relock(self, name: str, owner: str, ttl: float) -> bool:
        """Extend a lock that this owner still has."""
        return await self._lock(name, owner, ttl, "extend") == owner

    async def unlock(self, name: str, owner: str) -> bool:
        """Free a lock of this owner."""
        return await self._lock(name, owner, 0.0, "free") == owner

    async def _lock(self, name: str, owner: str, ttl: float, kind: str) -> str:
        key = keys.lock(self.namespace, name)
        reply: Any = await self._redis.run("lock", [key], [owner, max(1, round(ttl * 1000)), kind])
        return str(reply.decode())

    async def lock_owner(self, name: str) -> str | None:
        """Return who has a lock."""
        reply: Any = await self._redis.command("GET", keys.lock(self.namespace, name))
        return None if reply is None else reply.decode()

    async def take_token(self, bucket: str, rate: float, burst: float, line: float = 0.0) -> float:
        """Take a token, or return the seconds after which to ask again."""
        reply: Any = await self._redis.run("token", [keys.bucket(self.namespace, bucket)], [rate, burst, line])
        return int(reply) / 1e6

    async def open_group(self, group: str, total: int, ttl: float) -> None:
        """Begin to collect results."""
        key = keys.group(self.namespace, group)
        batch = [("DEL", key), ("HSET", key, "total", total), ("PEXPIRE", key, max(1, round(ttl * 1000)))]
        for reply in await self._redis.commands(batch):
            self._redis.check(reply)

    async def add_to_group(self, group: str, member: int, body: bytes) -> int | None:
        """Keep a member's result; the first one stands."""
        reply: Any = await self._redis.run("group", [keys.group(self.namespace, group)], [member, body])
        return None if reply < 0 else int(reply)

    async def group(self, group: str) -> list[bytes | None] | None:
        """Return the results in the order of members."""
        flat: Any = await self._redis.command("HGETALL", keys.group(self.namespace, group))
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        if not fields:
            return None
        return [fields.get(b"m%d" % member) for member in range(int(fields[b"total"]))]

    async def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind."""
        flat: Any = await self._redis.command("HGETALL", keys.documents(self.namespace, kind))
        found = []
        for key, packed in zip(flat[::2], flat[1::2], strict=True):
            version, _, body = packed.partition(b" ")
            found.append(Document(key.decode(), int(version), body))
        return sorted(found)

    async def write_document(self, kind: str, key: str, body: bytes | None, version: int | None = None) -> int | None:
        """Write or delete a document, if it has the version that is expected."""
        words = [key, "" if version is None else version, *([] if body is None else [body])]
        reply: Any = await self._redis.run("document", [keys.documents(self.namespace, kind)], words)
        return None if reply < 0 else int(reply)
