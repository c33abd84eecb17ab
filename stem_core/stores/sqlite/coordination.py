"""Locks, token buckets, groups and documents in a SQLite file."""

from __future__ import annotations

from typing import Final

from stem_core.stores.port import Document
from stem_core.stores.sqlite.store import SqliteStore
from stem_core.stores.sqlite.transaction import Transaction

_TAKE: Final = """
INSERT INTO locks (space, name, owner, expires) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET owner = ?3, expires = ?4 WHERE owner = ?3 OR expires <= ?5
"""
_OWNER: Final = "SELECT owner FROM locks WHERE space = ? AND name = ? AND expires > ?"
_FILL: Final = """
INSERT OR REPLACE INTO buckets (space, name, tokens, since, expires) VALUES (?, ?, ?, ?, ?)
"""
_MISSING: Final = """
SELECT total - (SELECT count(*) FROM members WHERE collection = collections.id) FROM collections WHERE id = ?
"""


class SqliteCoordination:
    """What workers and producers agree on beside jobs. One part of `SqliteBroker`."""

    _store: SqliteStore

    async def lock(self, name: str, owner: str, ttl: float) -> str:
        """Take a lock if it is free, or extend it; return who has it."""

        def work(transaction: Transaction) -> str:
            now = transaction.now
            transaction.change(_TAKE, (transaction.space, name, owner, now + ttl, now))
            holder: str = transaction.value(
                "SELECT owner FROM locks WHERE space = ? AND name = ?", (transaction.space, name)
            )
            return holder

        return await self._store.write(work)

    async def relock(self, name: str, owner: str, ttl: float) -> bool:
        """Extend a lock that this owner still has."""

        def work(transaction: Transaction) -> bool:
            now = transaction.now
            statement = "UPDATE locks SET expires = ? WHERE space = ? AND name = ? AND owner = ? AND expires > ?"
            return transaction.change(statement, (now + ttl, transaction.space, name, owner, now)) > 0

        return await self._store.write(work)

    async def unlock(self, name: str, owner: str) -> bool:
        """Free a lock of this owner."""

        def work(transaction: Transaction) -> bool:
            statement = "DELETE FROM locks WHERE space = ? AND name = ? AND owner = ? AND expires > ?"
            return transaction.change(statement, (transaction.space, name, owner, transaction.now)) > 0

        return await self._store.write(work)

    async def lock_owner(self, name: str) -> str | None:
        """Return who has a lock."""

        def work(transaction: Transaction) -> str | None:
            owner: str | None = transaction.value(_OWNER, (transaction.space, name, transaction.now))
            return owner

        return await self._store.read(work)

    async def take_token(self, bucket: str, rate: float, burst: float, line: float = 0.0) -> float:
        """Take a token, or return the seconds after which to ask again."""
        full = burst / rate

        def work(transaction: Transaction) -> float:
            now, place = transaction.now, (transaction.space, bucket)
            rows = transaction.rows("SELECT tokens, since, expires FROM buckets WHERE space = ? AND name = ?", place)
            tokens, since, expires = rows[0] if rows else (burst, now, now)
            tokens = min(burst, tokens + max(0.0, now - since) * rate)
            turn, wait = max(now, expires - full), 0.0
            if tokens < 1.0:
                missing = (1.0 - tokens) / rate
                turn = min(max(now + missing, turn + 1.0 / rate), now + max(missing, line))
                wait = turn - now
            transaction.change(_FILL, (*place, tokens if wait else tokens - 1.0, now, turn + full))
            return wait

        return await self._store.write(work)

    async def open_group(self, group: str, total: int, ttl: float) -> None:
        """Begin to collect results."""

        def work(transaction: Transaction) -> None:
            _drop_group(transaction, group)
            transaction.change(
                "INSERT INTO collections (space, name, total, expires) VALUES (?, ?, ?, ?)",
                (transaction.space, group, total, transaction.now + ttl),
            )

        await self._store.write(work)

    async def add_to_group(self, group: str, member: int, body: bytes) -> int | None:
        """Keep a member's result; the first one stands."""

        def work(transaction: Transaction) -> int | None:
            number = _open_group(transaction, group)
            if number is None:
                return None
            transaction.change("INSERT OR IGNORE INTO members VALUES (?, ?, ?)", (number, member, body))
            missing: int = transaction.value(_MISSING, (number,))
            return missing

        return await self._store.write(work)

    async def group(self, group: str) -> list[bytes | None] | None:
        """Return the results in the order of members."""

        def work(transaction: Transaction) -> list[bytes | None] | None:
            number = _open_group(transaction, group)
            if number is None:
                return None
            results: list[bytes | None] = [None] * transaction.value(
                "SELECT total FROM collections WHERE id = ?", (number,)
            )
            for member, body in transaction.rows("SELECT member, body FROM members WHERE collection = ?", (number,)):
                results[member] = body
            return results

        return await self._store.read(work)

    async def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind."""
        return await self._store.read(
            lambda transaction: [
                Document(*row)
                for row in transaction.rows(
                    "SELECT key, version, body FROM documents WHERE space = ? AND kind = ? ORDER BY key",
                    (transaction.space, kind),
                )
            ]
        )

    async def write_document(self, kind: str, key: str, body: bytes | None, version: int | None = None) -> int | None:
        """Write or delete a document, if it has the version that is expected."""

        def work(transaction: Transaction) -> int | None:
            place = (transaction.space, kind, key)
            found = transaction.value("SELECT version FROM documents WHERE space = ? AND kind = ? AND key = ?", place)
            current: int = found or 0
            if version is not None and version != current:
                return None
            if body is None:
                transaction.change("DELETE FROM documents WHERE space = ? AND kind = ? AND key = ?", place)
                return 0
            transaction.change("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", (*place, current + 1, body))
            return current + 1

        return await self._store.write(work)


def forget_expired(transaction: Transaction) -> None:
    """Remove locks, buckets and groups whose time has run out."""
    now = transaction.now
    transaction.change("DELETE FROM locks WHERE expires <= ?", (now,))
    transaction.change("DELETE FROM buckets WHERE expires <= ?", (now,))
    transaction.change("DELETE FROM collections WHERE expires <= ?", (now,))


def _open_group(transaction: Transaction, group: str) -> int | None:
    found: int | None = transaction.value(
        "SELECT id FROM collections WHERE space = ? AND name = ? AND expires > ?",
        (transaction.space, group, transaction.now),
    )
    return found


def _drop_group(transaction: Transaction, group: str) -> None:
    transaction.change("DELETE FROM collections WHERE space = ? AND name = ?", (transaction.space, group))
