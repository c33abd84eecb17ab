"""The operator's side of the queues on Postgres: figures, pauses, revocations, places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from stem_core.delivery import Pause, Place, QueueStats, Revocation
from stem_core.stores.postgres.connection import PostgresConnection, Row
from stem_core.stores.postgres.hints import Hints, work_hint
from stem_core.stores.rows import place, queue_stats

_REVOKED_TTL: Final = 86400.0
_pauses: Final = msgspec.json.Decoder(Pause)
_revocations: Final = msgspec.json.Decoder(Revocation)


class PostgresOperations:
    """What people ask of queues and tell them. One part of `PostgresBroker`."""

    _postgres: PostgresConnection
    _space: int
    _hints: Hints

    async def time(self) -> float:
        """Return epoch seconds by the server's clock."""
        ((now,),) = await self._postgres.run("time", {})
        return float(now)

    async def queues(self) -> list[str]:
        """Return the names of all queues that were ever used, sorted."""
        return [name for (name,) in await self._postgres.run("queues", {"namespace": self._space})]

    async def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Return figures, all as of one moment."""
        if not queues:
            return []
        rows = await self._postgres.run("stats", {"namespace": self._space, "queues": list(queues)})
        found = {row[0]: _stats(row) for row in rows}
        return [found.get(queue) or QueueStats(name=queue) for queue in queues]

    async def pause(self, queues: Sequence[str], pause: Pause) -> None:
        """Stop fetches from these queues, for all workers."""
        body = msgspec.json.encode(Pause(by=pause.by, reason=pause.reason, since=await self.time(), until=pause.until))
        parameters = {"namespace": self._space, "queues": list(queues), "pause": body.decode(), "until": pause.until}
        await self._postgres.run("pause", parameters)

    async def resume(self, queues: Sequence[str]) -> None:
        """Take pauses back, and wake waiting fetches."""
        await self._postgres.run("resume", {"namespace": self._space, "queues": list(queues)})
        self._hints.give(map(work_hint, queues))

    async def revoke(self, revocations: Sequence[Revocation], records: Mapping[str, bytes]) -> list[str]:
        """Keep jobs from running; those that wait are terminal at once."""
        given = {revocation.id: revocation for revocation in revocations}
        parameters = {
            "namespace": self._space,
            "ids": list(given),
            "untils": [float(revocation.until) for revocation in given.values()],
            "bodies": [msgspec.json.encode(revocation).decode() for revocation in given.values()],
            "records": [records[task_id].removesuffix(b"null}") if task_id in records else None for task_id in given],
            "ttl": _REVOKED_TTL,
        }
        answers: dict[str, str] = dict(await self._postgres.run("revoke", parameters))
        return [answers[revocation.id] for revocation in revocations]

    async def revoked(self, ids: Sequence[str]) -> list[Revocation]:
        """Return the standing revocations among these ids."""
        rows = await self._postgres.run("revoked", {"namespace": self._space, "ids": list(ids)})
        return [_revocations.decode(body) for (body,) in rows]

    async def waiting(self, queue: str, limit: int) -> list[Place]:
        """Return jobs that no worker holds, next to run first."""
        parameters = {"namespace": self._space, "queue": queue, "most": limit}
        return [place(row) for row in await self._postgres.run("waiting", parameters)]

    async def locate(self, ids: Sequence[str]) -> list[Place | None]:
        """Find jobs that have not ended."""
        rows = await self._postgres.run("locate", {"namespace": self._space, "ids": list(ids)})
        found = {row[0]: place(row) for row in rows}
        return [found.get(task_id) for task_id in ids]


def _stats(row: Row) -> QueueStats:
    name, *figures, oldest, pause = row
    return queue_stats(name, figures, oldest, _pauses.decode(pause) if pause else None)
