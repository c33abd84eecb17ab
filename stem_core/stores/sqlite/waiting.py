"""Waiting for something to appear in the file, whoever puts it there.

There are three bells: for jobs, for events, and for entries of other topics. Listen first, then look, then wait: so no
ring is missed. Beside the bells the file itself is asked now and then whether anyone wrote to it, in case a ring from
another process got lost.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import BrokerError
from stem_core.stores.sqlite.doorbell import Doorbell
from stem_core.stores.sqlite.ended import Ended

JOBS: Final = "jobs"
EVENTS: Final = "events"
NEWS: Final = "news"
_ALL: Final = (JOBS, EVENTS, NEWS)

POLL_BESIDE: Final = 1.0
"""Seconds between looks at the file while bells are heard: only who is killed between commit and ring tells nobody."""
POLL_ALONE: Final = 0.015
"""The same while they are not."""
_PATIENCE: Final = 5.0
_NUDGE: Final = ""

Waiting = dict[asyncio.Future[None], asyncio.AbstractEventLoop]


class Bells:
    """Wakes those who wait, on any event loop of this process, and in other processes.

    A thread listens for all of them, while there are any.

    Args:
        doorbell: The way to other processes.
        version: Returns a number that differs after anyone wrote to the file. Blocking.
        poll: Seconds between looks at it; None for what fits the doorbell.
    """

    def __init__(self, doorbell: Doorbell, version: Callable[[], int], poll: float | None = None) -> None:
        self._doorbell = doorbell
        self._version = version
        self._poll = poll
        self._lock = threading.Lock()
        self._waiting: dict[str, Waiting] = {}
        self._some = threading.Event()
        self._sockets: dict[str, socket.socket] = {}
        self._heard: frozenset[str] = frozenset()
        self._nudge: tuple[socket.socket, socket.socket] | None = None
        self._thread: threading.Thread | None = None
        self._seen: int | None = None
        self._ended: Ended | None = None
        self._closed = False

    def listen(self, bells: Collection[str]) -> asyncio.Future[None]:
        """Return a future that the next ring of one of these bells completes. Give it to `wait` in any case."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            for bell in bells:
                self._waiting.setdefault(bell, {})[future] = loop
                if not self._closed:
                    self._see_to_it(bell)
        return future

    def _see_to_it(self, bell: str) -> None:
        if self._thread is None:
            self._nudge = socket.socketpair()
            for each in self._nudge:
                each.settimeout(0)
            self._thread = threading.Thread(target=self._run, name="stem-sqlite-bells", daemon=True)
            self._thread.start()
        if bell not in self._sockets:
            own = self._doorbell.listen(bell)
            if own is not None:
                self._sockets[bell] = own
        self._some.set()
        if bell not in self._heard:
            self._wake_thread()

    def _wake_thread(self) -> None:
        if self._nudge is not None:
            with suppress(BlockingIOError):
                self._nudge[1].send(b"\0")

    async def wait(self, future: asyncio.Future[None], timeout: float) -> None:  # noqa: ASYNC109 - the port's own wait
        """Wait for a ring, at most `timeout` seconds, and stop listening."""
        try:
            if timeout > 0:
                await asyncio.wait([future], timeout=timeout)
        finally:
            future.cancel()
            with self._lock:
                for waiting in self._waiting.values():
                    waiting.pop(future, None)

    def ring(self, bells: Collection[str]) -> None:
        """Wake all who listen to these bells, in all processes."""
        self.ring_here(bells)
        self._doorbell.ring(bells)

    def ring_here(self, bells: Collection[str]) -> None:
        """Wake those who listen in this process."""
        with self._lock:
            woken = [entry for bell in bells for entry in self._waiting.pop(bell, {}).items()]
        for future, loop in woken:
            with suppress(RuntimeError):  # its loop was closed, and with it all who waited
                loop.call_soon_threadsafe(_complete, future)

    async def close(self) -> None:
        """End the thread and take the sockets away. Twice is once."""
        self.ring_here(_ALL)  # who waits shall look, and learn that this is closed
        loop = asyncio.get_running_loop()
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
            if thread is not None:
                self._ended = Ended(loop)
                self._some.set()
                self._wake_thread()
        if thread is None:
            self._doorbell.close()
        elif self._ended is not None:
            await self._ended.wait(_PATIENCE)

    def _run(self) -> None:
        self._doorbell.tidy()
        look_at = SYSTEM_CLOCK.monotonic()
        while True:
            self._some.wait()
            if self._closed:
                break
            listening = self._sockets_in_use()
            if not listening:
                continue
            self._hear(listening, max(0.0, look_at - SYSTEM_CLOCK.monotonic()))
            if SYSTEM_CLOCK.monotonic() >= look_at:
                self._look()
                look_at = SYSTEM_CLOCK.monotonic() + self._interval()
        self._end()

    def _end(self) -> None:
        with self._lock:
            nudge, self._nudge = self._nudge, None
        for each in nudge or ():
            each.close()
        self._doorbell.close()
        if self._ended is not None:
            self._ended.tell()

    def _interval(self) -> float:
        if self._poll is not None:
            return self._poll
        return POLL_BESIDE if self._doorbell.works else POLL_ALONE

    def _sockets_in_use(self) -> dict[socket.socket, str]:
        """Return what to listen on: what nobody waits for stays unread, and costs neither side anything."""
        with self._lock:
            used = {bell for bell, waiting in self._waiting.items() if waiting}
            self._heard = frozenset(used)
            if not used:
                self._some.clear()
                return {}
            assert self._nudge is not None  # noqa: S101 - made before the thread
            found = {self._sockets[bell]: bell for bell in used if bell in self._sockets}
            return {**found, self._nudge[0]: _NUDGE}

    def _hear(self, listening: dict[socket.socket, str], timeout: float) -> None:
        with selectors.DefaultSelector() as selector:
            for own, bell in listening.items():
                selector.register(own, selectors.EVENT_READ, bell)
            ready = [key.data for key, _ in selector.select(timeout)]
        for own, bell in listening.items():
            if bell in ready:
                _empty(own)
        rung = set(ready) - {_NUDGE}
        if rung:
            self.ring_here(rung)

    def _look(self) -> None:
        try:
            version = self._version()
        except BrokerError:
            return  # who waits will meet the same error when it looks
        if version != self._seen:
            self._seen = version
            self.ring_here(_ALL)


def _empty(rung: socket.socket) -> None:
    with suppress(BlockingIOError):
        while True:
            rung.recv(4096)


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
