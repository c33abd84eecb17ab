"""Topics and presences: one part of the broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stem_core.delivery import Presence
from stem_core.events import EVENTS_TOPIC
from stem_core.stores.port import FROM_NOW, FROM_START, Message
from stem_core.stores.sqlite.store import SqliteStore
from stem_core.stores.sqlite.transaction import Transaction
from stem_core.stores.sqlite.waiting import EVENTS, NEWS

_EVENTS_KEPT: Final = 20_000
_OTHERS_KEPT: Final = 2_000
_SLACK: Final = 16
"""A topic may be longer by such a part before it is cut."""

_ENTRIES_OF: Final = """
SELECT number, body FROM entries
WHERE topic = (SELECT id FROM topics WHERE space = ? AND name = ? AND (expires IS NULL OR expires > ?))
  AND number > ? ORDER BY number LIMIT ?
"""
_CUT: Final = """
DELETE FROM entries WHERE number IN (SELECT number FROM entries WHERE topic = ? ORDER BY number LIMIT ?)
"""


class SqliteTopics:
    """Bounded logs that everyone reads with a cursor of their own. One part of `SqliteBroker`."""

    _store: SqliteStore

    async def append(self, topic: str, bodies: Sequence[bytes], ttl: float | None = None) -> None:
        """Append; the oldest entries over the bound are forgotten."""
        if bodies:
            await self._store.write(lambda transaction: _append(transaction, topic, bodies, ttl))

    async def read(self, cursors: Mapping[str, str], limit: int, wait: float) -> list[Message]:
        """Return entries after these cursors, waiting for the first; safe to cancel."""
        clock, bells = self._store.clock, self._store.bells
        deadline = clock.monotonic() + wait
        at = {topic: await self.tail(topic) if cursor == FROM_NOW else cursor for topic, cursor in cursors.items()}
        rung = {_bell(topic) for topic in at}
        while True:
            heard = bells.listen(rung)
            remaining = 0.0
            try:
                found = await self._store.read(lambda transaction: _entries(transaction, at, limit))
                remaining = 0.0 if found else deadline - clock.monotonic()
            finally:
                await bells.wait(heard, remaining)
            if remaining <= 0:
                return found

    async def tail(self, topic: str) -> str:
        """Return the cursor of the newest entry."""
        return await self._store.read(lambda transaction: _tail(transaction, topic))

    async def announce(self, worker: str, body: bytes, ttl: float) -> None:
        """Keep a worker's snapshot for `ttl` seconds."""
        await self._store.write(
            lambda transaction: transaction.change(
                "INSERT OR REPLACE INTO presences (space, worker, seen, expires, body) VALUES (?, ?, ?, ?, ?)",
                (transaction.space, worker, transaction.now, transaction.now + ttl, body),
            )
        )

    async def withdraw(self, worker: str) -> None:
        """Forget a worker that ended."""
        await self._store.write(
            lambda transaction: transaction.change(
                "DELETE FROM presences WHERE space = ? AND worker = ?", (transaction.space, worker)
            )
        )

    async def presences(self) -> list[Presence]:
        """Return all workers whose time has not run out."""
        return await self._store.read(_presences)


def _bell(topic: str) -> str:
    return EVENTS if topic == EVENTS_TOPIC else NEWS


def _append(transaction: Transaction, topic: str, bodies: Sequence[bytes], ttl: float | None) -> None:
    number, entries = _begun(transaction, topic)
    first = transaction.number(len(bodies))
    transaction.change_many(
        "INSERT INTO entries (number, topic, body) VALUES (?, ?, ?)",
        [(place, number, body) for place, body in enumerate(bodies, first)],
    )
    entries += len(bodies)
    kept = _EVENTS_KEPT if topic == EVENTS_TOPIC else _OTHERS_KEPT
    if entries > kept + kept // _SLACK:
        entries -= transaction.change(_CUT, (number, entries - kept))
    expires = None if ttl is None else transaction.now + ttl
    transaction.change("UPDATE topics SET entries = ?, expires = ? WHERE id = ?", (entries, expires, number))
    transaction.ring(_bell(topic))


def _begun(transaction: Transaction, topic: str) -> tuple[int, int]:
    """Return a topic's number and how many entries it has; one that is new or has run out begins with none."""
    find = "SELECT id, entries, expires FROM topics WHERE space = ? AND name = ?"
    found = transaction.row(find, (transaction.space, topic))
    if found is None:
        transaction.change("INSERT INTO topics (space, name) VALUES (?, ?)", (transaction.space, topic))
        found = transaction.row(find, (transaction.space, topic))
        assert found is not None  # noqa: S101 - it was entered by the line before
    number, entries, expires = found
    if expires is not None and expires <= transaction.now:
        transaction.change("DELETE FROM entries WHERE topic = ?", (number,))
        return number, 0
    return number, entries


def _entries(transaction: Transaction, cursors: Mapping[str, str], limit: int) -> list[Message]:
    return [
        Message(topic, str(number), body)
        for topic, cursor in cursors.items()
        for number, body in transaction.rows(
            _ENTRIES_OF, (transaction.space, topic, transaction.now, int(cursor), limit)
        )
    ]


def _tail(transaction: Transaction, topic: str) -> str:
    newest = transaction.value(
        "SELECT max(number) FROM entries WHERE topic = (SELECT id FROM topics WHERE space = ? AND name = ?)",
        (transaction.space, topic),
    )
    return FROM_START if newest is None else str(newest)


def _presences(transaction: Transaction) -> list[Presence]:
    found = transaction.rows(
        "SELECT worker, seen, body FROM presences WHERE space = ? AND expires > ? ORDER BY worker",
        (transaction.space, transaction.now),
    )
    return [Presence(worker=worker, age=max(0.0, transaction.now - seen), body=body) for worker, seen, body in found]
