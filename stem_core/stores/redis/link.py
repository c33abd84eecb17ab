"""The way to one server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

from redis.asyncio import Redis

from stem_core.stores.redis.connection import LONGEST_BLOCK, Argument
from stem_core.stores.redis.driver import ANSWER_TIMEOUT, Clients
from stem_core.stores.redis.failures import DRIVER_ERRORS, breaks_connection

T = TypeVar("T")

_BLOCK_TIMEOUT: Final = LONGEST_BLOCK + 3.0


class Link:
    """A pool for calls, and connections for blocking reads. Raises the driver's errors.

    Args:
        clients: Makes the driver's clients for this server.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._calls = clients.connect(ANSWER_TIMEOUT)
        self._blocking = clients.connect(_BLOCK_TIMEOUT)

    async def send(self, words: Sequence[Argument]) -> object:
        """Send one command."""
        return await self._execute(self._calls, words)

    async def wait(self, words: Sequence[Argument]) -> object:
        """Send one command that may block, on a connection that is closed if cancelled."""
        return await self._execute(self._blocking, words)

    async def ask(self, words: Sequence[Argument]) -> object:
        """Send one command for a slot that is just being moved to this server."""
        _, reply = await self.send_many([("ASKING",), words])
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def send_many(self, batch: Sequence[Sequence[Argument]]) -> list[object]:
        """Send commands in one round trip; an error reply takes its command's place."""
        pipe = self._calls.pipeline(transaction=False)
        try:
            for words in batch:
                pipe.execute_command(*words)
            replies = list(await _cancellable(pipe.execute(raise_on_error=False)))
        except DRIVER_ERRORS as error:
            await self._drop_after(error)
            raise
        for reply in replies:
            if isinstance(reply, Exception):
                await self._drop_after(reply)
        return replies

    async def _execute(self, client: Redis, words: Sequence[Argument]) -> object:
        try:
            return await _cancellable(client.execute_command(*words))  # type: ignore[no-untyped-call]
        except DRIVER_ERRORS as error:
            await self._drop_after(error)
            raise

    async def _drop_after(self, error: Exception) -> None:
        if breaks_connection(error):
            await self.drop()

    async def drop(self) -> None:
        """Close the connections that nobody uses now; they would only fail one by one."""
        await self._calls.connection_pool.disconnect(inuse_connections=False)
        await self._blocking.connection_pool.disconnect(inuse_connections=False)

    async def close(self) -> None:
        """Close all connections."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await self._calls.aclose()
                await self._blocking.aclose()
                if self._clients.close is not None:
                    await self._clients.close()
        except DRIVER_ERRORS:
            return  # the server was gone before us: there is nothing left to close


async def _cancellable(call: Awaitable[T]) -> T:
    """Await the driver, and be cancelled if the caller was: on Python 3.11 its `wait_for` may swallow that."""
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        return await call
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
