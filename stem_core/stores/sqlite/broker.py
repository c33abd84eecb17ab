"""A whole store in one SQLite file."""

from __future__ import annotations

from typing import Self

from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import ConfigurationError
from stem_core.stores.sqlite.backend import SqliteResultBackend
from stem_core.stores.sqlite.coordination import SqliteCoordination
from stem_core.stores.sqlite.operations import SqliteOperations
from stem_core.stores.sqlite.queues import SqliteQueues
from stem_core.stores.sqlite.store import SqliteStore
from stem_core.stores.sqlite.topics import SqliteTopics
from stem_core.stores.sqlite.transaction import Transaction


class SqliteBroker(SqliteQueues, SqliteOperations, SqliteTopics, SqliteCoordination):
    """Queues, topics, presences and results in one file that all processes of a machine share. Made by `connect`.

    A process that crashes or is killed loses nothing that it was told had been done. A power cut may lose the last
    moments, and leaves the file whole; with `?synchronous=full` it loses nothing, and each commit waits for the disk.

    Args:
        store: The file.
        namespace: What of it is used.
        lease: The namespace's lease in seconds, as the file has it.
    """

    def __init__(self, store: SqliteStore, namespace: str, lease: float) -> None:
        super().__init__(store, lease)
        self.namespace = namespace
        self.location = store.location
        self.warnings: tuple[str, ...] = ()
        if not store.hears_others:
            self.warnings = ("no process can wake another one here, so that waiting costs a little CPU",)

    @classmethod
    async def connect(cls, url: str, namespace: str = "stem", lease: float | None = None) -> Self:
        """Open a file, made if it is missing.

        Args:
            url: `sqlite:///absolute/path[?synchronous=full]`, or `sqlite://` for the user's default file.
            namespace: What of it is used.
            lease: Set the namespace's lease, in seconds; None takes what it has, 15 if nothing was ever set.

        Raises:
            ConfigurationError: The URL or the file is not usable.
            BrokerUnavailableError: It is locked, or cannot be opened.
        """
        if lease is not None and lease <= 0:
            raise ConfigurationError(f"the lease is {lease} seconds", "use a positive number")
        store = await SqliteStore.open(url, namespace)
        try:
            return cls(store, namespace, await _lease(store, lease))
        except BaseException:
            await store.close()
            raise

    def results(self) -> SqliteResultBackend:
        """Return the results in this same file; the broker closes it."""
        return SqliteResultBackend(self._store, owns_store=False)

    async def ping(self) -> float:
        """Return the round trip in seconds."""
        began = SYSTEM_CLOCK.monotonic()
        await self._store.read(lambda transaction: transaction.value("SELECT last FROM numbers"))
        return SYSTEM_CLOCK.monotonic() - began

    async def close(self) -> None:
        """Do what was given, then let go of the file. Twice is once."""
        await self._store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _lease(store: SqliteStore, lease: float | None) -> float:
    def work(transaction: Transaction) -> float:
        if lease is not None:
            transaction.change("UPDATE spaces SET lease = ? WHERE id = ?", (lease, transaction.space))
        found: float = transaction.value("SELECT lease FROM spaces WHERE id = ?", (transaction.space,))
        return found

    return await (store.read(work) if lease is None else store.write(work))
