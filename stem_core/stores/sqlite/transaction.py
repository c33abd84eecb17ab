"""One transaction, as the commands in it see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import apsw

Binding: TypeAlias = str | bytes | int | float | None
Row: TypeAlias = tuple[Any, ...]


class Transaction:
    """What a command does to the file; all of it or nothing lasts.

    Args:
        connection: The lane's connection.
        space: The namespace's number.
        now: Epoch seconds; the same for all that happens in here.
        queue_numbers: Numbers of queues that are known; forgotten if the transaction fails.
    """

    __slots__ = ("_connection", "_queue_numbers", "now", "rung", "space")

    def __init__(self, connection: apsw.Connection, space: int, now: float, queue_numbers: dict[str, int]) -> None:
        self._connection = connection
        self._queue_numbers = queue_numbers
        self.space = space
        self.now = now
        self.rung: set[str] = set()

    def ring(self, bell: str) -> None:
        """Wake who listens to that bell, once this has been committed."""
        self.rung.add(bell)

    def rows(self, sql: str, bindings: Sequence[Binding] = ()) -> list[Row]:
        """Return all rows."""
        return self._connection.execute(sql, bindings).fetchall()

    def row(self, sql: str, bindings: Sequence[Binding] = ()) -> Row | None:
        """Return the first row, None if there is none."""
        rows = self._connection.execute(sql, bindings).fetchall()
        return rows[0] if rows else None

    def value(self, sql: str, bindings: Sequence[Binding] = ()) -> Any:
        """Return the first column of the first row, None if there is none."""
        rows = self._connection.execute(sql, bindings).fetchall()
        return rows[0][0] if rows else None

    def change(self, sql: str, bindings: Sequence[Binding] = ()) -> int:
        """Write, and return how many rows that concerned."""
        self._connection.execute(sql, bindings)
        return self._connection.changes()

    def change_many(self, sql: str, rows: Iterable[Sequence[Binding]]) -> None:
        """Write once for each row of bindings."""
        self._connection.executemany(sql, rows)

    def number(self, count: int = 1) -> int:
        """Return the first of so many numbers that nothing else has or will have."""
        last: int = self.value("UPDATE numbers SET last = last + ? RETURNING last", (count,))
        return last - count + 1

    def queue(self, name: str) -> int:
        """Return a queue's number; one that is new is entered."""
        known = self._queue_numbers.get(name)
        if known is None:
            self.change("INSERT OR IGNORE INTO queues (space, name) VALUES (?, ?)", (self.space, name))
            known = self.known_queue(name)
            assert known is not None  # noqa: S101 - it was entered by the line before
            self._queue_numbers[name] = known
        return known

    def known_queue(self, name: str) -> int | None:
        """Return a queue's number, None if nothing was ever in it."""
        found: int | None = self.value("SELECT id FROM queues WHERE space = ? AND name = ?", (self.space, name))
        return found
