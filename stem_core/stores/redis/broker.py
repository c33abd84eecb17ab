"""A whole store on Redis or Valkey."""

from __future__ import annotations

from typing import Any, Self

from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import BrokerError, ConfigurationError
from stem_core.stores.redis import keys
from stem_core.stores.redis.backend import RedisResultBackend
from stem_core.stores.redis.connection import RedisConnection
from stem_core.stores.redis.coordination import RedisCoordination
from stem_core.stores.redis.opening import open_connection
from stem_core.stores.redis.operations import RedisOperations
from stem_core.stores.redis.queues import RedisQueues
from stem_core.stores.redis.topics import RedisTopics
from stem_core.tls import TlsConfig

DEFAULT_LEASE = 15.0


class RedisStreamsBroker(RedisQueues, RedisOperations, RedisTopics, RedisCoordination):
    """Queues on streams, topics, presences and results on Redis. Made by `connect`; bound to its event loop.

    Args:
        connection: Connections to the server.
        namespace: What all keys are in.
        lease: The namespace's lease in seconds, as the server has it.
    """

    def __init__(self, connection: RedisConnection, namespace: str, lease: float) -> None:
        super().__init__(connection, namespace, lease)
        self.location = keys.location(connection.location, namespace)
        self.warnings = connection.warnings

    @classmethod
    async def connect(
        cls, url: str, namespace: str = "stem", lease: float | None = None, *, tls: TlsConfig | None = None
    ) -> Self:
        """Connect, and refuse a server that is not fit.

        Args:
            url: `redis://[user:password@]host:port[/database]`, or the URL of a cluster or of a service that sentinels
                watch; `rediss` for TLS.
            namespace: What all keys are in.
            lease: Set the namespace's lease, in seconds; None takes what it has, 15 if nothing was ever set.
            tls: How to secure connections, if the URL asks for it.

        Raises:
            ConfigurationError: The URL or the server is not usable.
            BrokerUnavailableError: It cannot be reached.
        """
        if lease is not None and lease <= 0:
            raise ConfigurationError(f"the lease is {lease} seconds", "use a positive number")
        connection = await open_connection(url, tls)
        try:
            return cls(connection, namespace, await _lease(connection, namespace, lease))
        except BaseException:
            await connection.close()
            raise

    def results(self) -> RedisResultBackend:
        """Return the results in this same store; the broker closes their connections."""
        return RedisResultBackend(self._redis, self.namespace, owns_connection=False)

    async def ping(self) -> float:
        """Return the round trip in seconds."""
        began = SYSTEM_CLOCK.monotonic()
        await self._redis.command("PING")
        return SYSTEM_CLOCK.monotonic() - began

    async def close(self) -> None:
        """Take this broker's idle consumers off the server and give the connections up. Twice is once."""
        if self._redis.closed:
            return
        try:
            await self._listener.close()
            await self._leave()
        except BrokerError:
            return  # the server is gone; its upkeep removes idle consumers later
        finally:
            await self._redis.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _lease(connection: RedisConnection, namespace: str, lease: float | None) -> float:
    key = keys.lease(namespace)
    if lease is None:
        await connection.command("SET", key, DEFAULT_LEASE, "NX")
    else:
        await connection.command("SET", key, lease)
    reply: Any = await connection.command("GET", key)
    return float(reply)
