"""Outcomes of tasks on Redis: in a broker's own store, or in one of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import Argument, RedisConnection


class RedisResultBackend:
    """Keeps results in a Redis that need not be the broker's. Made by `connect`.

    Args:
        connection: Connections to the server.
        namespace: What all keys are in.
    """

    def __init__(self, connection: RedisConnection, namespace: str) -> None:
        self.namespace = namespace
        self.location = f"{connection.location} results of {namespace}"
        self._redis = connection

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
        """Return records, None where there is none."""
        if not ids:
            return []
        reply: Any = await self._redis.command("MGET", *(keys.result(self.namespace, task_id) for task_id in ids))
        return [None if value is None else value.split(b" ", 1)[1] for value in reply]

    async def close(self) -> None:
        """Give connections up. Twice is once."""
        await self._redis.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class RedisQueueResults:
    """The results that a broker's settle step writes beside its queues.

    Args:
        connection: The broker's connections; the broker closes them.
        namespace: The broker's namespace.
        location: The broker's location: the same, so that a worker settles result and job in one step.
    """

    def __init__(self, connection: RedisConnection, namespace: str, location: str) -> None:
        self.namespace = namespace
        self.location = location
        self._redis = connection

    async def _queues(self) -> list[str]:
        reply: Any = await self._redis.command("SMEMBERS", keys.queue_names(self.namespace))
        return sorted(name.decode() for name in reply)

    async def put(self, entries: Sequence[tuple[str, bytes, float, int]]) -> list[bool]:
        """Keep records of tasks whose place is unknown here, beside the first queue; settling writes its own."""
        kept = []
        for task_id, record, ttl, _ in entries:
            key = f"{keys.queue_prefix(self.namespace, (await self._queues() or ['default'])[0])}t:{task_id}"
            present = (await self.get([task_id]))[0] is not None
            if not present:
                await self._redis.command("SET", key, record, "PX", max(1, round(ttl * 1000)))
            kept.append(not present)
        return kept

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return records, None where a task has not ended or is not known."""
        queues = await self._queues()
        if not ids or not queues:
            return [None] * len(ids)
        batch = [
            ("MGET", *(f"{keys.queue_prefix(self.namespace, queue)}t:{task_id}" for task_id in ids)) for queue in queues
        ]
        found: list[bytes | None] = [None] * len(ids)
        for reply in await self._redis.commands(batch):
            values: Any = self._redis.check(reply)
            for position, value in enumerate(values):
                if value is not None and value.startswith(b"{"):
                    found[position] = value
        return found

    async def close(self) -> None:
        """Do nothing: the broker closes its connections."""
