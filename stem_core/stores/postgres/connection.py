"""Connections to one Postgres server, and statements over them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from typing import Any, Final, Self, TypeAlias

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types.numeric import Int8BinaryDumper

from stem_core.errors import BrokerUnavailableError
from stem_core.service import cancel, spawn
from stem_core.stores.postgres.address import Address, parse_address
from stem_core.stores.postgres.failures import CONFLICTS, DRIVER_ERRORS, translate
from stem_core.stores.postgres.pool import Connection, Pool, is_alive
from stem_core.stores.postgres.pooler import check_pooler
from stem_core.stores.postgres.schema import ensure_schema
from stem_core.stores.postgres.statements import statement

Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Mapping[str, object]

ANSWER_TIMEOUT: Final = 5.0
_GRACE: Final = 1.0
_TRIES: Final = 5
_SETTINGS: Final = {
    "client_encoding": "UTF8",
    "statement_timeout": f"{ANSWER_TIMEOUT:.0f}s",
    "idle_in_transaction_session_timeout": "30s",
    "jit": "off",
    # Every statement here goes by an index. Statistics of tables that fill and drain all day would say otherwise now
    # and then, and a plan that was made for an empty queue would read all of a full one.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what it warns of reaches the caller as an error


def _adapters() -> AdaptersMap:
    """Return the driver's own, but with one size of integers: else each size would be a statement of its own."""
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_dumper(int, Int8BinaryDumper)
    return adapters


class PostgresConnection:
    """A pool for statements, and a connection for the thread that renews leases.

    Args:
        address: Where the server and the schema are.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.closed = False
        self._adapters = _adapters()
        self._pool = Pool(self.open_session)
        self._running: set[asyncio.Task[object]] = set()
        self._renewing: psycopg.Connection[Row] | None = None
        self._renewing_lock = threading.Lock()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, refuse what is not fit, and make the schema if it is not there.

        Raises:
            ConfigurationError: The URL, the server or the schema is not usable.
            BrokerUnavailableError: It cannot be reached.
        """
        connection = cls(parse_address(url))
        try:
            async with connection._pool.connection() as session:
                await check_pooler(session, connection.open_session, connection.address.location)
                await ensure_schema(session, connection.address)
        except DRIVER_ERRORS as error:
            await connection.close()
            raise translate(error, connection.address.location) from error
        except BaseException:
            await connection.close()
            raise
        return connection

    async def open_session(self) -> Connection:
        """Open a connection with this store's settings."""
        session = await psycopg.AsyncConnection.connect(
            self.address.conninfo, autocommit=True, prepare_threshold=1, context=self._context()
        )
        try:
            await session.execute(*self._settings())
        except BaseException:
            await session.close()
            raise
        return session

    def _context(self) -> Any:
        return _Context(self._adapters)

    def _settings(self) -> tuple[bytes, list[str]]:
        settings = {**_SETTINGS, "search_path": f"{self.address.schema}, pg_catalog"}
        words = [word for pair in settings.items() for word in pair]
        return b"SELECT " + b", ".join([b"set_config(%s, %s, false)"] * len(settings)), words

    async def run(self, name: str, parameters: Parameters) -> list[Row]:
        """Run one statement. Who is cancelled while it runs does not stop it, but waits a moment for its end.

        So its connection stays good, and it cannot take effect after what the caller does next.

        Args:
            name: File of the statement.
            parameters: Its parameters.

        Raises:
            BrokerError: Or one of its subclasses, if Postgres refuses or cannot be reached.
        """
        task = spawn(self._attempt(statement(name), parameters), f"postgres-{name}")
        self._running.add(task)
        task.add_done_callback(self._forget)
        try:
            done, _ = await asyncio.wait([task], timeout=ANSWER_TIMEOUT + 1.0)
        except asyncio.CancelledError:
            await asyncio.wait([task], timeout=_GRACE)
            raise
        if not done:
            task.cancel()
            raise BrokerUnavailableError(f"{self.address.location} does not answer")
        result: Any = task.result()
        return result  # type: ignore[no-any-return]  # what _attempt returns

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # it may be that nobody waits for it any more

    async def _attempt(self, text: bytes, parameters: Parameters) -> list[Row]:
        for tries_left in reversed(range(_TRIES)):
            try:
                return await self._execute(text, parameters)
            except CONFLICTS as error:
                if not tries_left:
                    raise translate(error, self.address.location) from error
            except DRIVER_ERRORS as error:
                raise translate(error, self.address.location) from error
        raise AssertionError

    async def _execute(self, text: bytes, parameters: Parameters) -> list[Row]:
        async with self._pool.connection() as session, session.cursor(binary=True) as cursor:
            await cursor.execute(text, parameters)
            return await cursor.fetchall() if cursor.description else []

    def run_in_thread(self, name: str, parameters: Parameters) -> list[Row]:
        """Run one statement from another thread, blocking, on a connection of its own."""
        with self._renewing_lock:
            try:
                if self._renewing is None or not is_alive(self._renewing):
                    self._renewing = self._open_blocking()
                with self._renewing.cursor(binary=True) as cursor:
                    cursor.execute(statement(name), parameters)
                    return cursor.fetchall()
            except DRIVER_ERRORS as error:
                self._close_blocking()
                raise translate(error, self.address.location) from error

    def _open_blocking(self) -> psycopg.Connection[Row]:
        self._close_blocking()
        session = psycopg.Connection.connect(
            self.address.conninfo, autocommit=True, prepare_threshold=1, context=self._context()
        )
        try:
            session.execute(*self._settings())
        except BaseException:
            session.close()
            raise
        return session

    def _close_blocking(self) -> None:
        if self._renewing is not None:
            self._renewing.close()
            self._renewing = None

    async def close(self) -> None:
        """Close all connections. Twice is once."""
        if self.closed:
            return
        self.closed = True
        if self._running:
            await asyncio.wait(self._running, timeout=1.0)
        await cancel(*self._running)
        await self._pool.close()
        with self._renewing_lock:
            self._close_blocking()


class _Context:
    """What a connection takes its adapters from."""

    connection = None

    def __init__(self, adapters: AdaptersMap) -> None:
        self.adapters = adapters
