"""A few connections that calls take in turns.

The driver's own pool waits for a server that is gone, and comes back to it with growing pauses; here a call fails at
once, and the next one tries anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

SIZE: Final = 8


class Pool:
    """Opens connections when they are needed, and keeps those that are good.

    Args:
        open_one: How to open one.
    """

    def __init__(self, open_one: Callable[[], Awaitable[Connection]]) -> None:
        self._open = open_one
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(SIZE)
        self._closed = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection."""
        async with self._places:
            connection = await self._take()
            try:
                yield connection
            finally:
                if self._closed or connection.info.transaction_status is not TransactionStatus.IDLE:
                    await connection.close()
                else:
                    self._idle.append(connection)

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if is_alive(connection):
                return connection
            await connection.close()
        return await self._open()

    async def close(self) -> None:
        """Close what is idle, and what is lent once it comes back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()


def is_alive(connection: psycopg.Connection[tuple[Any, ...]] | Connection) -> bool:
    """Return whether an idle connection is still open, as far as can be told without asking the server."""
    if connection.closed:
        return False
    try:
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return True
