"""Outcomes of tasks on Redis.

A broker's settle step writes a record in place of the job's own place key; `put` writes one beside the queues, for
tasks whose broker is another store. Readers find both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import Argument, RedisConnection


class RedisResultBackend:
    """Keeps results in a Redis, be it the broker's or one of their own. Made by `connect`.

    Args:
        connection: Connections to the server.
        namespace: What all keys are in.
        owns_connection: Whether closing this closes the connections.
    """

    def __init__(self, connection: RedisConnection, namespace: str, *, owns_connection: bool = True) -> None:
        self.namespace = namespace
        self.location = keys.location(connection.location, namespace)
        self._redis = connection
        self._owns_connection = owns_connection

    @classmethod
    async def connect(cls, url: str, namespace: str = "stem") -> Self:
        """Connect, and refuse a server that is not fit.

        Raises:
            ConfigurationError: The URL or the server is not usable.
            BrokerUnavailableError: It cannot be reached.
        """
        return cls(await RedisConnection.open(url), namespace)

    async def put(self, entries: Sequence[tuple[str, bytes, float, int]]) -> list[bool]:
        """Keep records; the first one of the highest delivery count stands."""
        if not entries:
            return []
        names = [keys.result(self.namespace, task_id) for task_id, _, _, _ in entries]
        words: list[Argument] = []
        for _, record, ttl, deliveries in entries:
            words += (record, max(1, round(ttl * 1000)), deliveries)
        reply: Any = await self._redis.run("put", names, words)
        return [kept == 1 for kept in reply]

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return records, None where a task has not ended or is not known."""
        if not ids:
            return []
        names: Any = await self._redis.command("SMEMBERS", keys.queue_names(self.namespace))
        prefixes = [keys.queue_prefix(self.namespace, name.decode()) for name in names]
        batch = [("MGET", *(f"{prefix}t:{task_id}" for task_id in ids)) for prefix in prefixes]
        batch.append(("MGET", *(keys.result(self.namespace, task_id) for task_id in ids)))
        replies: list[Any] = [self._redis.check(reply) for reply in await self._redis.commands(batch)]
        found: list[bytes | None] = [None if value is None else value.split(b" ", 1)[1] for value in replies.pop()]
        for values in replies:
            for position, value in enumerate(values):
                if value is not None and value.startswith(b"{"):
                    found[position] = value
        return found

    async def close(self) -> None:
        """Give connections up. Twice is once."""
        if self._owns_connection:
            await self._redis.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
