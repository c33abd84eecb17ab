"""Waiting for a thread to end, without another thread that waits: at the end of a process none may be started."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Ended:
    """That a thread has ended.

    Args:
        loop: Where it is waited for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Say so; called by the thread."""
        with suppress(RuntimeError):  # the loop was closed, and with it who waited
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, patience: float) -> None:
        """Wait until it has, or for so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._event.wait()
