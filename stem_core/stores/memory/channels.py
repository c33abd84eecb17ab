"""Topics and presences of the memory store, behind the broker's lock."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from stem_core.clock import Clock
from stem_core.delivery import Presence
from stem_core.stores.memory.topics import MemoryTopics
from stem_core.stores.memory.waiting import Bell
from stem_core.stores.port import Message


class MemoryChannels:
    """What is told to everyone. One part of `InMemoryBroker`.

    Args:
        clock: The broker's time.
        lock: The broker's lock.
    """

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self._topics = MemoryTopics()
        self._presences: dict[str, tuple[bytes, float, float]] = {}
        self._news = Bell()

    async def append(self, topic: str, bodies: Sequence[bytes], ttl: float | None = None) -> None:
        """Append to a topic."""
        with self._lock:
            self._topics.append(topic, bodies, ttl, self._clock.monotonic())
        self._news.ring()

    async def read(self, cursors: Mapping[str, str], limit: int, wait: float) -> list[Message]:
        """Return entries after these cursors, waiting for the first."""
        deadline = self._clock.monotonic() + wait
        with self._lock:
            resolved = self._topics.resolve(cursors)
        while True:
            heard = self._news.listen()
            with self._lock:
                self._topics.forget_expired(self._clock.monotonic())
                found = self._topics.read(resolved, limit)
            remaining = deadline - self._clock.monotonic()
            await self._news.wait(heard, 0.0 if found else remaining)
            if found or remaining <= 0:
                return found

    async def tail(self, topic: str) -> str:
        """Return the cursor of the newest entry."""
        with self._lock:
            return self._topics.tail(topic)

    async def announce(self, worker: str, body: bytes, ttl: float) -> None:
        """Keep a worker's snapshot."""
        with self._lock:
            now = self._clock.monotonic()
            self._presences[worker] = (body, now, now + ttl)

    async def withdraw(self, worker: str) -> None:
        """Forget a worker."""
        with self._lock:
            self._presences.pop(worker, None)

    async def presences(self) -> list[Presence]:
        """Return all workers whose time has not run out."""
        with self._lock:
            now = self._clock.monotonic()
            self._presences = {worker: entry for worker, entry in self._presences.items() if entry[2] > now}
            return [
                Presence(worker=worker, age=now - seen, body=body)
                for worker, (body, seen, _) in self._presences.items()
            ]
