"""Outcomes of tasks in a SQLite file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from stem_core.delivery import EndedRange
from stem_core.stores.port import KeptRecord
from stem_core.stores.sqlite.keeping_up import sweep_results
from stem_core.stores.sqlite.kept import keep, listed, standing_count
from stem_core.stores.sqlite.store import SqliteStore
from stem_core.stores.sqlite.transaction import Transaction


class SqliteResultBackend:
    """Keeps results in a file, be it the broker's or one of their own. Made by `connect`.

    Args:
        store: The file.
        owns_store: Whether closing this closes the file.
    """

    def __init__(self, store: SqliteStore, *, owns_store: bool = True) -> None:
        self.location = store.location
        self.warnings: tuple[str, ...] = ()
        self._store = store
        self._owns_store = owns_store

    @classmethod
    async def connect(cls, url: str, namespace: str = "stem") -> Self:
        """Open a file, made if it is missing.

        Args:
            url: `sqlite:///absolute/path[?synchronous=full]`, or `sqlite://` for the user's default file.
            namespace: What of it is used.

        Raises:
            ConfigurationError: The URL or the file is not usable.
            BrokerUnavailableError: It is locked, or cannot be opened.
        """
        return cls(await SqliteStore.open(url, namespace))

    async def put(self, entries: Sequence[KeptRecord]) -> list[bool]:
        """Keep records; the first one of the highest delivery count stands."""
        if not entries:
            return []
        return await self._store.write(lambda transaction: _put(transaction, entries))

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return records, None where a task has not ended or is not known."""
        if not ids:
            return []
        return await self._store.read(lambda transaction: [_record(transaction, task_id) for task_id in ids])

    async def ended(self, wanted: EndedRange, limit: int, cursor: str = "") -> tuple[list[bytes], str]:
        """Return records, those kept last first, and the cursor of the next page."""
        return await self._store.read(lambda transaction: listed(transaction, wanted, limit, cursor))

    async def close(self) -> None:
        """Let go of the file. Twice is once."""
        if self._owns_store:
            await self._store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _put(transaction: Transaction, entries: Sequence[KeptRecord]) -> list[bool]:
    answers: list[bool] = []
    for entry in entries:
        stands = entry.deliveries > standing_count(transaction, entry.id)
        answers.append(stands)
        if stands:
            keep(transaction, [entry])
    # A file that only keeps results has no worker that sweeps it.
    sweep_results(transaction, 2 * len(entries))
    return answers


def _record(transaction: Transaction, task_id: str) -> bytes | None:
    found: Any = transaction.value(
        "SELECT record FROM results WHERE space = ? AND id = ? AND expires > ?",
        (transaction.space, task_id, transaction.now),
    )
    return None if found is None else bytes(found)
