"""Waiting for something to appear, from any event loop in any thread."""

from __future__ import annotations

import asyncio
import threading


class Bell:
    """Wakes everyone who waits, whichever event loop they wait on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def listen(self) -> asyncio.Future[None]:
        """Return a future that the next ring completes. Take it before looking, so that no ring is missed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiting.append((loop, future))
        return future

    def ring(self) -> None:
        """Wake all who listen now."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_complete, future)

    async def wait(self, future: asyncio.Future[None], timeout: float) -> None:  # noqa: ASYNC109 - the port's own wait
        """Wait for that future, at most `timeout` seconds, and stop listening."""
        try:
            await asyncio.wait([future], timeout=max(0.0, timeout))
        finally:
            future.cancel()
            with self._lock:
                self._waiting = [entry for entry in self._waiting if entry[1] is not future]


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
