"""Servers of a cluster that do not answer.

Who asks several servers waits for the slowest. One that is frozen or cut off answers nothing, and would hold up every
call for as long as an answer may take. So after the first such call it is not asked any more, but by a watcher, which
tells when it answers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from redis.exceptions import TimeoutError as RedisTimeoutError

from stem_core.clock import SYSTEM_CLOCK
from stem_core.service import cancel, spawn
from stem_core.stores.redis.address import Host
from stem_core.stores.redis.failures import DRIVER_ERRORS

_ASK_EVERY: Final = 0.5
_PATIENCE: Final = 1.0


class SilentServers:
    """Keeps in mind who does not answer.

    Args:
        ping: Asks a server for a sign of life.
        is_needed: Called before each time that a server is asked; returns whether it still matters.
    """

    def __init__(self, ping: Callable[[Host], Awaitable[object]], is_needed: Callable[[Host], bool]) -> None:
        self._ping = ping
        self._is_needed = is_needed
        self._watchers: dict[Host, asyncio.Task[object]] = {}
        self._closed = False

    def check(self, host: Host) -> None:
        """Refuse to wait for a server that is silent.

        Raises:
            RedisTimeoutError: It is.
        """
        if host in self._watchers:
            raise RedisTimeoutError(f"{host} has stopped answering")

    def __contains__(self, host: object) -> bool:
        return host in self._watchers

    def note(self, host: Host, error: Exception) -> None:
        """Take to heart how a call to a server failed; one that refuses at once holds nobody up."""
        if _is_silence(error) and host not in self._watchers and not self._closed:
            self._watchers[host] = spawn(self._watch(host), f"redis-silent-{host}")

    async def _watch(self, host: Host) -> None:
        is_silent = True
        while is_silent and self._is_needed(host):
            await SYSTEM_CLOCK.sleep(_ASK_EVERY)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._ping(host)
            except DRIVER_ERRORS as error:
                is_silent = _is_silence(error)
            else:
                is_silent = False
        self._watchers.pop(host, None)

    async def close(self) -> None:
        """Stop watching."""
        self._closed = True
        watchers, self._watchers = self._watchers, {}
        await cancel(*watchers.values())


def _is_silence(error: Exception) -> bool:
    return isinstance(error, (RedisTimeoutError, TimeoutError))
