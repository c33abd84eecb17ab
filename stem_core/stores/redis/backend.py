"""Outcomes of tasks on Redis.

A broker's settle step writes a record in place of the job's own place key; `put` writes one beside it, for tasks whose
broker is another store. Readers find both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Self

from stem_core.delivery import EndedRange
from stem_core.stores.port import KeptRecord
from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import Argument, Call, RedisConnection
from stem_core.stores.redis.opening import open_connection
from stem_core.tls import TlsConfig

_END_OF_TIME: Final = 2**52
"""Milliseconds; a sorted set's scores are exact up to here."""


class RedisResultBackend:
    """Keeps results in a Redis, be it the broker's or one of their own. Made by `connect`.

    Args:
        connection: Connections to Redis.
        namespace: What all keys are in.
        owns_connection: Whether closing this closes the connections.
    """

    def __init__(self, connection: RedisConnection, namespace: str, *, owns_connection: bool = True) -> None:
        self.namespace = namespace
        self.location = keys.location(connection.location, namespace)
        self.warnings = connection.warnings
        self._redis = connection
        self._owns_connection = owns_connection

    @classmethod
    async def connect(cls, url: str, namespace: str = "stem", *, tls: TlsConfig | None = None) -> Self:
        """Connect, and refuse a server that is not fit.

        Args:
            url: As for a broker.
            namespace: What all keys are in.
            tls: How to secure connections, if the URL asks for it.

        Raises:
            ConfigurationError: The URL or the server is not usable.
            BrokerUnavailableError: It cannot be reached.
        """
        return cls(await open_connection(url, tls), namespace)

    async def put(self, entries: Sequence[KeptRecord]) -> list[bool]:
        """Keep records; the first one of the highest delivery count stands."""
        groups: dict[str, list[int]] = {}
        for position, entry in enumerate(entries):
            groups.setdefault(entry.queue, []).append(position)
        calls = []
        for queue, positions in groups.items():
            words: list[Argument] = []
            for entry in (entries[position] for position in positions):
                words += (entry.id, entry.record, max(1, round(entry.ttl * 1000)), entry.deliveries)
            calls.append(Call("put", [keys.queue_prefix(self.namespace, queue)], words))
        if not calls:
            return []
        await self._redis.command("SADD", keys.queue_names(self.namespace), *groups)
        replies: list[Any] = await self._redis.run_many(calls)
        kept = {
            position: answer == 1
            for positions, reply in zip(groups.values(), replies, strict=True)
            for position, answer in zip(positions, reply, strict=True)
        }
        return [kept[position] for position in range(len(entries))]

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return records, None where a task has not ended or is not known.

        A server of a cluster that is down matters only if a record may lie there.
        """
        if not ids:
            return []
        batch = [
            ("MGET", *(f"{prefix}{kind}:{task_id}" for kind in "tr" for task_id in ids))
            for prefix in await self._prefixes(None)
        ]
        found: list[bytes | None] = [None] * len(ids)
        replies: list[Any] = await self._redis.commands(batch)
        failed = [reply for reply in replies if isinstance(reply, Exception)]
        for values in (reply for reply in replies if not isinstance(reply, Exception)):
            for position, (settled, kept) in enumerate(zip(values[: len(ids)], values[len(ids) :], strict=True)):
                if settled is not None and settled.startswith(b"{"):
                    found[position] = settled
                elif kept is not None:
                    found[position] = kept.split(b" ", 1)[1]
        if failed and None in found:
            self._redis.check(failed[0])
        return found

    async def ended(self, wanted: EndedRange, limit: int, cursor: str = "") -> tuple[list[bytes], str]:
        """Return records, those kept last first; a cursor is when the last one shown was kept, and its id."""
        score, _, task_id = cursor.partition(" ")
        since = 0 if wanted.since is None else math.ceil(wanted.since * 1000)
        until = _END_OF_TIME if wanted.until is None else math.ceil(wanted.until * 1000)
        words: list[Argument] = [since, until, limit + 1, score, task_id]
        calls = [Call("ended", [prefix], words) for prefix in await self._prefixes(wanted.queues)]
        replies: list[Any] = await self._redis.run_many(calls) if calls else []
        entries = ((int(score), name, record) for reply in replies for score, name, record in reply)
        found = sorted(entries, reverse=True)[: limit + 1]
        page = found[:limit]
        following = f"{page[-1][0]} {page[-1][1].decode()}" if len(found) > limit else ""
        return [record for _, _, record in page if record], following

    async def _prefixes(self, queues: Sequence[str] | None) -> list[str]:
        if queues is None:
            names: Any = await self._redis.command("SMEMBERS", keys.queue_names(self.namespace))
            queues = [name.decode() for name in names]
        return [keys.queue_prefix(self.namespace, queue) for queue in queues]

    async def close(self) -> None:
        """Give connections up. Twice is once."""
        if self._owns_connection:
            await self._redis.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
