"""Threads for handlers that block.

They are daemons: a handler that cannot be stopped does not keep the process from ending, and the fence of its lease
voids whatever it does afterwards.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TypeAlias

from stem_core.errors import ThreadStartError
from stem_core.worker.forked import end_if_forked

_log: Final = logging.getLogger("stem.worker")
_Work: TypeAlias = tuple[Callable[[], object], "asyncio.Future[object]"]


class ThreadPool:
    """Runs functions in threads, of which there are as many as ever ran at once.

    Args:
        name: Prefix of the threads' names.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._pid = os.getpid()

    def submit(self, function: Callable[[], object]) -> asyncio.Future[object]:
        """Run a function in a thread; to be called on the event loop.

        Returns:
            Its result or exception, whatever that is. Cancelling it does not end the function.

        Raises:
            ThreadStartError: The machine has no more threads for us.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        if self._busy == len(self._threads):
            self._threads.append(self._started(loop))
        self._busy += 1
        context = contextvars.copy_context()
        self._queue.put((lambda: context.run(function), future))
        return future

    def close(self) -> None:
        """Let idle threads end, and busy ones once their function returns."""
        for _ in self._threads:
            self._queue.put(None)
        self._threads.clear()

    def _started(self, loop: asyncio.AbstractEventLoop) -> threading.Thread:
        thread = threading.Thread(
            target=self._serve, args=(loop,), name=f"{self._name}-{len(self._threads)}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            raise ThreadStartError(f"beside {len(self._threads)} threads no other one starts: {error}") from error
        return thread

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        while (work := self._queue.get()) is not None:
            function, future = work
            result: object = None
            failure: BaseException | None = None
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - SystemExit in a task must not end the thread unseen
                failure = error
            end_if_forked(self._pid, failure)
            try:
                loop.call_soon_threadsafe(self._done, future, result, failure)
            except RuntimeError:
                _log.debug("a task ended in a thread after its worker")
                return
            del work, function, future, result, failure

    def _done(self, future: asyncio.Future[object], result: object, failure: BaseException | None) -> None:
        self._busy -= 1
        if future.cancelled():
            return
        if failure is None:
            future.set_result((result, None))
        else:
            future.set_result((None, failure))
