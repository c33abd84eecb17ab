"""Outcomes of tasks on Postgres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Self

from stem_core.delivery import EndedRange
from stem_core.stores.port import KeptRecord
from stem_core.stores.postgres.address import location_of
from stem_core.stores.postgres.connection import PostgresConnection
from stem_core.stores.postgres.namespaces import Namespace, open_namespace

_MIN_TTL: Final = 0.001


class PostgresResultBackend:
    """Keeps results in a table, be it beside the broker's or in a database of their own. Made by `connect`.

    Args:
        connection: Connections to the server.
        namespace: The namespace, as the server has it.
        owns_connection: Whether closing this closes the connections.
    """

    def __init__(self, connection: PostgresConnection, namespace: Namespace, *, owns_connection: bool = True) -> None:
        self.namespace = namespace.name
        self.location = location_of(connection.address, namespace.name)
        self.warnings = namespace.warnings
        self._postgres = connection
        self._space = namespace.id
        self._owns_connection = owns_connection

    @classmethod
    async def connect(cls, url: str, namespace: str = "stem") -> Self:
        """Connect, make the tables if there are none, and refuse a server that is not fit.

        Raises:
            ConfigurationError: The URL, the server or the schema is not usable.
            BrokerUnavailableError: It cannot be reached.
        """
        connection = await PostgresConnection.open(url)
        try:
            return cls(connection, await open_namespace(connection, namespace))
        except BaseException:
            await connection.close()
            raise

    async def put(self, entries: Sequence[KeptRecord]) -> list[bool]:
        """Keep records; the first one of the highest delivery count stands."""
        if len({entry.id for entry in entries}) < len(entries):  # one statement can touch a row but once
            return [one for entry in entries for one in await self.put([entry])]
        if not entries:
            return []
        queues = sorted({entry.queue for entry in entries})
        await self._postgres.run("register", {"namespace": self._space, "queues": queues, "levels": [0] * len(queues)})
        parameters = {
            "namespace": self._space,
            "queues": [entry.queue for entry in entries],
            "ids": [entry.id for entry in entries],
            "deliveries": [entry.deliveries for entry in entries],
            "ttls": [max(_MIN_TTL, float(entry.ttl)) for entry in entries],
            "records": [entry.record for entry in entries],
        }
        kept = {task_id for (task_id,) in await self._postgres.run("put", parameters)}
        return [entry.id in kept for entry in entries]

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return records, None where a task has not ended or is not known."""
        if not ids:
            return []
        found: dict[str, bytes] = dict(await self._postgres.run("get", {"namespace": self._space, "ids": list(ids)}))
        return [found.get(task_id) for task_id in ids]

    async def ended(self, wanted: EndedRange, limit: int, cursor: str = "") -> tuple[list[bytes], str]:
        """Return records, those kept last first; a cursor is when the last one shown was kept, and its id."""
        last, _, last_id = cursor.partition(" ")
        parameters = {
            "namespace": self._space,
            "queues": None if wanted.queues is None else list(wanted.queues),
            "since": -math.inf if wanted.since is None else float(wanted.since),
            "until": math.inf if wanted.until is None else float(wanted.until),
            "last": float(last) if last else math.inf,
            "last_id": last_id,
            "most": limit + 1,
        }
        rows = await self._postgres.run("ended", parameters)
        page = rows[:limit]
        following = f"{page[-1][0]!r} {page[-1][1]}" if len(rows) > limit else ""
        return [body for _, _, body in page], following

    async def close(self) -> None:
        """Give connections up. Twice is once."""
        if self._owns_connection:
            await self._postgres.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
