"""A whole store on Postgres."""

from __future__ import annotations

from typing import Final, Self

from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import ConfigurationError
from stem_core.stores.postgres.address import location_of
from stem_core.stores.postgres.backend import PostgresResultBackend
from stem_core.stores.postgres.connection import PostgresConnection
from stem_core.stores.postgres.coordination import PostgresCoordination
from stem_core.stores.postgres.dead_letters import PostgresDeadLetters
from stem_core.stores.postgres.namespaces import Namespace, open_namespace
from stem_core.stores.postgres.operations import PostgresOperations
from stem_core.stores.postgres.queues import PostgresQueues
from stem_core.stores.postgres.topics import PostgresTopics


class PostgresBroker(PostgresQueues, PostgresOperations, PostgresDeadLetters, PostgresTopics, PostgresCoordination):
    """Queues, topics, presences and results in tables of one database. Made by `connect`; bound to its event loop.

    Args:
        connection: Connections to the server.
        namespace: The namespace, as the server has it.
    """

    def __init__(self, connection: PostgresConnection, namespace: Namespace) -> None:
        super().__init__(connection, namespace.id, namespace.lease)
        self.namespace: Final = namespace.name
        self.location = location_of(connection.address, namespace.name)
        self.warnings = namespace.warnings
        self._namespace = namespace

    @classmethod
    async def connect(cls, url: str, namespace: str = "stem", lease: float | None = None) -> Self:
        """Connect, make the tables if there are none, and refuse a server that is not fit.

        Args:
            url: `postgresql://[user:password@]host[:port]/database`, with what libpq takes as parameters, and
                `schema`, the schema of the tables (`stem`).
            namespace: What all rows belong to.
            lease: Set the namespace's lease, in seconds; None takes what it has, 15 if nothing was ever set.

        Raises:
            ConfigurationError: The URL, the server or the schema is not usable.
            BrokerUnavailableError: It cannot be reached.
        """
        if lease is not None and lease <= 0:
            raise ConfigurationError(f"the lease is {lease} seconds", "use a positive number")
        connection = await PostgresConnection.open(url)
        try:
            return cls(connection, await open_namespace(connection, namespace, lease))
        except BaseException:
            await connection.close()
            raise

    def results(self) -> PostgresResultBackend:
        """Return the results in this same store; the broker closes their connections."""
        return PostgresResultBackend(self._postgres, self._namespace, owns_connection=False)

    async def ping(self) -> float:
        """Return the round trip in seconds."""
        began = SYSTEM_CLOCK.monotonic()
        await self._postgres.run("ping", {})
        return SYSTEM_CLOCK.monotonic() - began

    async def close(self) -> None:
        """Give the connections up. Twice is once."""
        if not self._postgres.closed:
            await self._hints.close()
            await self._listener.close()
            await self._postgres.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
