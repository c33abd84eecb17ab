"""Locks, token buckets, groups and documents on Postgres."""

from __future__ import annotations

from stem_core.stores.port import Document
from stem_core.stores.postgres.connection import PostgresConnection


class PostgresCoordination:
    """What workers and producers agree on beside jobs. One part of `PostgresBroker`."""

    _postgres: PostgresConnection
    _space: int

    async def lock(self, name: str, owner: str, ttl: float) -> str:
        """Take a lock if it is free, or extend it; return who has it."""
        parameters = {**self._named(name), "owner": owner, "ttl": ttl}
        while not (rows := await self._postgres.run("lock", parameters)):
            pass  # it was taken while this was asked, and the statement did not see by whom
        return str(rows[0][0])

    async def relock(self, name: str, owner: str, ttl: float) -> bool:
        """Extend a lock that this owner still has."""
        return bool(await self._postgres.run("relock", {**self._named(name), "owner": owner, "ttl": ttl}))

    async def unlock(self, name: str, owner: str) -> bool:
        """Free a lock of this owner."""
        return bool(await self._postgres.run("unlock", {**self._named(name), "owner": owner}))

    async def lock_owner(self, name: str) -> str | None:
        """Return who has a lock."""
        rows = await self._postgres.run("lock_owner", self._named(name))
        return rows[0][0] if rows else None

    async def take_token(self, bucket: str, rate: float, burst: float, line: float = 0.0) -> float:
        """Take a token, or return the seconds after which to ask again."""
        rows = await self._postgres.run("token", {**self._named(bucket), "rate": rate, "burst": burst, "line": line})
        return float(rows[0][0])

    async def open_group(self, group: str, total: int, ttl: float) -> None:
        """Begin to collect results."""
        await self._postgres.run("open_group", {**self._named(group), "total": total, "ttl": ttl})

    async def add_to_group(self, group: str, member: int, body: bytes) -> int | None:
        """Keep a member's result; the first one stands."""
        rows = await self._postgres.run("add_to_group", {**self._named(group), "member": member, "body": body})
        return rows[0][0] if rows else None

    async def group(self, group: str) -> list[bytes | None] | None:
        """Return the results in the order of members."""
        rows = await self._postgres.run("group", self._named(group))
        if not rows:
            return None
        results: list[bytes | None] = [None] * rows[0][0]
        for _, member, body in rows:
            if member is not None:
                results[member] = body
        return results

    async def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind."""
        rows = await self._postgres.run("documents", {"namespace": self._space, "kind": kind})
        return [Document(*row) for row in rows]

    async def write_document(self, kind: str, key: str, body: bytes | None, version: int | None = None) -> int | None:
        """Write or delete a document, if it has the version that is expected."""
        place = {"namespace": self._space, "kind": kind, "key": key, "version": version}
        if body is None:
            ((is_gone,),) = await self._postgres.run("drop_document", place)
            return 0 if is_gone else None
        rows = await self._postgres.run("write_document", {**place, "body": body})
        return rows[0][0] if rows else None

    def _named(self, name: str) -> dict[str, object]:
        return {"namespace": self._space, "name": name}
