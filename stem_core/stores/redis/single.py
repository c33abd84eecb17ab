"""One server that takes all writes: the only one, or the primary that sentinels name."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

from stem_core.stores.redis.connection import Argument, Call, RedisConnection
from stem_core.stores.redis.driver import Clients
from stem_core.stores.redis.failures import DRIVER_ERRORS
from stem_core.stores.redis.link import Link

if TYPE_CHECKING:
    import redis


class SingleConnection(RedisConnection):
    """Sends everything to one server.

    Args:
        location: The address, without credentials.
        clients: Makes the driver's clients for the server.
    """

    def __init__(self, location: str, clients: Clients) -> None:
        super().__init__(location)
        self._clients = clients
        self._link = Link(clients)
        self._renewing: redis.Redis | None = None
        self._renewing_lock = threading.Lock()

    async def _send(self, words: Sequence[Argument]) -> object:
        return await self._link.send(words)

    async def _wait(self, words: Sequence[Argument]) -> object:
        return await self._link.wait(words)

    async def _send_many(self, batch: Sequence[Sequence[Argument]]) -> list[object]:
        return await self._link.send_many(batch)

    async def everywhere(self, *words: Argument) -> list[object]:
        """Send one command to the server."""
        return [await self.command(*words)]

    def together(self, keys: Sequence[str]) -> list[list[str]]:
        """Return all keys as one group."""
        return [list(keys)]

    def run_in_thread(self, calls: Sequence[Call]) -> list[object]:
        """Call scripts from another thread, blocking, on a connection of its own."""
        with self._renewing_lock:
            if self._renewing is None:
                self._renewing = self._clients.connect_blocking()
            try:
                return [run_blocking(self._renewing, call) for call in calls]
            except DRIVER_ERRORS as error:
                self._renewing.connection_pool.disconnect()
                raise self._translated(error) from error

    async def close(self) -> None:
        """Close all connections. Twice is once."""
        if self.closed:
            return
        self.closed = True
        with self._renewing_lock:
            if self._renewing is not None:
                self._renewing.close()
        await self._link.close()


def run_blocking(client: Any, call: Call) -> object:
    """Call one script over the blocking driver; raises the driver's errors."""
    try:
        return client.execute_command(*call.words())
    except NoScriptError:
        return client.execute_command(*call.words_in_full())
