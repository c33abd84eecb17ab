"""Connections to one Redis server, and calls over them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeAlias
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from stem_core.errors import ConfigurationError
from stem_core.stores.redis.checks import check_facts
from stem_core.stores.redis.failures import DRIVER_ERRORS, breaks_connection, translate
from stem_core.stores.redis.scripts import script
from stem_core.text import visible
from stem_core.urls import redact_url

if TYPE_CHECKING:
    import redis

Argument: TypeAlias = str | bytes | int | float

CONNECT_TIMEOUT: Final = 2.0
ANSWER_TIMEOUT: Final = 5.0
LONGEST_BLOCK: Final = 2.0


class Call(NamedTuple):
    """One call of a script."""

    name: str
    keys: Sequence[str]
    arguments: Sequence[Argument]

    def words(self) -> tuple[Argument, ...]:
        """Return the command."""
        return ("EVALSHA", script(self.name).sha, len(self.keys), *self.keys, *self.arguments)


class RedisConnection:
    """A pool for calls, connections for blocking reads, and a client for the thread that renews leases.

    The driver's own retries are off: it would repeat what must not be repeated, and hide that a server is gone.

    Args:
        url: `redis://[user:password@]host:port[/database]`.
    """

    def __init__(self, url: str) -> None:
        self.location = redact_url(url)
        self._url = url
        self._renewing: redis.Redis | None = None
        self._renewing_lock = threading.Lock()
        self.closed = False
        try:
            _check_database(url)
            self._client = self._connect(ANSWER_TIMEOUT)
            self._blocking = self._connect(LONGEST_BLOCK + 3.0)
        except ValueError as error:
            raise ConfigurationError(
                f"{self.location} is not a Redis URL: {error}", "use redis://[user:password@]host:port[/database]"
            ) from None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, and refuse a server that is not fit.

        Raises:
            ConfigurationError: The URL or the server is not usable.
            BrokerUnavailableError: It cannot be reached.
        """
        connection = cls(url)
        try:
            check_facts(connection.location, await connection.command("INFO"))
        except BaseException:
            await connection.close()
            raise
        return connection

    def _connect(self, timeout: float) -> Redis:
        client = Redis.from_url(
            self._url,
            protocol=2,
            driver_info=None,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=timeout,
        )
        client.response_callbacks.clear()  # replies come as the server sends them, by one rule for all commands
        return client

    async def command(self, *words: Argument) -> object:
        """Send one command.

        Raises:
            BrokerError: Or one of its subclasses, if Redis refuses or cannot be reached.
        """
        try:
            return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]
        except DRIVER_ERRORS as error:
            raise await self._failed(error) from error

    async def block(self, *words: Argument) -> object:
        """Send one command that may block for up to `LONGEST_BLOCK`, on a connection that is closed if cancelled."""
        try:
            return await self._blocking.execute_command(*words)  # type: ignore[no-untyped-call]
        except DRIVER_ERRORS as error:
            raise await self._failed(error) from error

    async def run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> object:
        """Call one script."""
        call = Call(name, keys, arguments)
        try:
            try:
                return await self._client.execute_command(*call.words())  # type: ignore[no-untyped-call]
            except NoScriptError:
                await self._client.script_load(script(name).text)
                return await self._client.execute_command(*call.words())  # type: ignore[no-untyped-call]
        except DRIVER_ERRORS as error:
            raise await self._failed(error) from error

    async def run_many(self, calls: Sequence[Call]) -> list[object]:
        """Call scripts in one round trip; the first error is raised once all were tried."""
        if len(calls) == 1:
            return [await self.run(*calls[0])]
        replies = await self.commands([call.words() for call in calls])
        missing = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        for at in missing:
            replies[at] = await self.run(*calls[at])
        for reply in replies:
            if isinstance(reply, Exception):
                raise await self._failed(reply) from reply
        return replies

    async def commands(self, batch: Sequence[Sequence[Argument]]) -> list[object]:
        """Send commands in one round trip; an error reply takes its command's place."""
        if not batch:
            return []
        pipe = self._client.pipeline(transaction=False)
        try:
            for words in batch:
                pipe.execute_command(*words)
            return list(await pipe.execute(raise_on_error=False))
        except DRIVER_ERRORS as error:
            raise await self._failed(error) from error

    def check(self, reply: object) -> object:
        """Return a reply of `commands`, or raise the error that took its place."""
        if isinstance(reply, Exception):
            raise translate(reply, self.location) from reply
        return reply

    async def _failed(self, error: Exception) -> Exception:
        if breaks_connection(error):
            await self._client.connection_pool.disconnect(inuse_connections=False)
            await self._blocking.connection_pool.disconnect(inuse_connections=False)
        return translate(error, self.location)

    def run_in_thread(self, calls: Sequence[Call]) -> list[object]:
        """Call scripts from another thread, blocking, on a connection of its own."""
        import redis  # noqa: PLC0415 - only workers need the blocking driver
        from redis.backoff import NoBackoff as NoWait  # noqa: PLC0415
        from redis.retry import Retry as BlockingRetry  # noqa: PLC0415

        with self._renewing_lock:
            if self._renewing is None:
                self._renewing = redis.Redis.from_url(
                    self._url,
                    protocol=2,
                    driver_info=None,
                    retry=BlockingRetry(NoWait(), 0),
                    socket_connect_timeout=CONNECT_TIMEOUT,
                    socket_timeout=ANSWER_TIMEOUT,
                )
            try:
                return [self._run_blocking(self._renewing, call) for call in calls]
            except DRIVER_ERRORS as error:
                self._renewing.connection_pool.disconnect()
                raise translate(error, self.location) from error

    @staticmethod
    def _run_blocking(client: redis.Redis, call: Call) -> object:
        try:
            return client.execute_command(*call.words())  # type: ignore[no-untyped-call]
        except NoScriptError:
            client.script_load(script(call.name).text)
            return client.execute_command(*call.words())  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Close all connections. Twice is once."""
        if self.closed:
            return
        self.closed = True
        with self._renewing_lock:
            if self._renewing is not None:
                self._renewing.close()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await self._client.aclose()
                await self._blocking.aclose()
        except DRIVER_ERRORS:
            return  # the server was gone before us: there is nothing left to close


def _check_database(url: str) -> None:
    database = urlsplit(url).path.strip("/")
    if database and not database.isdecimal():  # the driver would take database 0 without a word
        raise ValueError(f"{visible(database, 40)!r} is no database number")
