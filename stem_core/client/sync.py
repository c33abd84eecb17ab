"""Running coroutines for code that blocks; for programs without an event loop, on one kept in a background thread."""

from __future__ import annotations

import asyncio
import atexit
import os
import selectors
import threading
from collections.abc import Coroutine
from queue import SimpleQueue
from typing import Final, TypeVar

from stem_core.client.forking import cut_off
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
    """An event loop in a daemon thread, started on first use and stopped in order when the program ends.

    A child that was forked gets one of its own on its first use, and has nothing in common with its parent's.
    """

    def __init__(self) -> None:
        self._left: list[object] = []
        self._noticing = threading.Lock()
        self._forget()
        atexit.register(self._end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._selector: selectors.BaseSelector | None = None
        self._pid = os.getpid()
        self._ended = False

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
        if self._pid != os.getpid():
            self._notice()
        with self._lock:
            if self._loop is None:
                self._loop = self._served()
            return self._loop

    def _served(self) -> asyncio.AbstractEventLoop:
        ending = UsageError("the program is ending", "make blocking calls before it does")
        if self._ended:
            raise ending
        begun: SimpleQueue[asyncio.AbstractEventLoop] = SimpleQueue()
        selector = self._selector = selectors.DefaultSelector()

        async def serve() -> None:
            self._stop = asyncio.Event()
            begun.put(asyncio.get_running_loop())
            await self._stop.wait()

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
                runner.run(serve())

        thread = threading.Thread(target=run, name="stem-sync", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # since Python 3.12, once the main thread has ended
            raise ending from error
        self._thread = thread
        return begun.get()

    def _notice(self) -> None:
        # A server written in C, such as uWSGI, may fork without telling Python.
        with self._noticing:
            if self._pid != os.getpid():
                self._forked()

    def _forked(self) -> None:
        # Its thread did not come along, and its lock may be held by one that did not either.
        if self._selector is not None:
            cut_off(self._selector)
        self._left += [self._loop, self._thread, self._stop, self._selector]
        self._forget()

    def _end(self) -> None:
        loop, stop, thread = self._loop, self._stop, self._thread
        self._ended = True
        if loop is None or stop is None or thread is None or self._pid != os.getpid():
            return
        self._loop = None
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=2.0)
        self._selector = None


BACKGROUND: Final = BackgroundLoop()
