"""Running coroutines for code that blocks; for programs without an event loop, on one kept in a background thread."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from queue import SimpleQueue
from typing import Final, TypeVar

from stem_core.errors import UsageError

T = TypeVar("T")


def run_on(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[object, object, T]) -> T:
    """Run a coroutine on the event loop of another thread, and return what it returns.

    Whatever interrupts the waiting, such as a time limit, cancels the coroutine.
    """
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


class BackgroundLoop:
    """An event loop in a daemon thread, started on first use and stopped in order when the program ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._pid = 0

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine there, and return what it returns.

        Raises:
            UsageError: Called from that very thread, which would wait for itself; or the program is ending.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise UsageError("a blocking call was made inside the background loop", "await the async form there")
        try:
            loop = self._started()
        except UsageError:
            coroutine.close()
            raise
        return run_on(loop, coroutine)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            # A thread does not survive a fork, such as that of a prefork server.
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = self._served(), os.getpid()
                atexit.register(self._end)
            return self._loop

    def _served(self) -> asyncio.AbstractEventLoop:
        begun: SimpleQueue[asyncio.AbstractEventLoop] = SimpleQueue()

        async def serve() -> None:
            self._stop = asyncio.Event()
            begun.put(asyncio.get_running_loop())
            await self._stop.wait()

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="stem-sync", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # since Python 3.12, once the main thread has ended
            raise UsageError("the program is ending", "make blocking calls before it does") from error
        self._thread = thread
        return begun.get()

    def _end(self) -> None:
        loop, stop, thread = self._loop, self._stop, self._thread
        if loop is None or stop is None or thread is None or self._pid != os.getpid():
            return
        self._loop = None
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=2.0)


BACKGROUND: Final = BackgroundLoop()
