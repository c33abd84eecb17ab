"""Locks, token buckets, groups and documents of the memory store, behind the broker's lock."""

from __future__ import annotations

import threading
from typing import NamedTuple

from stem_core.clock import Clock
from stem_core.stores.port import Document


class _Lock(NamedTuple):
    owner: str
    expires: float


class _Group(NamedTuple):
    results: list[bytes | None]
    expires: float


class _Bucket(NamedTuple):
    tokens: float
    since: float
    turn: float
    expires: float


class MemoryCoordination:
    """What workers and producers agree on. One part of `InMemoryBroker`.

    Args:
        clock: The broker's time.
        lock: The broker's lock.
    """

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self._locks: dict[str, _Lock] = {}
        self._buckets: dict[str, _Bucket] = {}
        self._groups: dict[str, _Group] = {}
        self._documents: dict[tuple[str, str], Document] = {}

    def _forget_expired(self) -> None:
        """Drop what has run out; a bucket that is full again is the same as none."""
        now = self._clock.monotonic()
        for things in (self._locks, self._buckets, self._groups):
            for name in [name for name, each in things.items() if each.expires <= now]:
                del things[name]

    def _held(self, name: str) -> _Lock | None:
        held = self._locks.get(name)
        if held is not None and held.expires <= self._clock.monotonic():
            del self._locks[name]
            return None
        return held

    async def lock(self, name: str, owner: str, ttl: float) -> str:
        """Take a lock if it is free, or extend it; return who has it."""
        with self._lock:
            held = self._held(name)
            if held is not None and held.owner != owner:
                return held.owner
            self._locks[name] = _Lock(owner, self._clock.monotonic() + ttl)
            return owner

    async def relock(self, name: str, owner: str, ttl: float) -> bool:
        """Extend a lock that this owner still has."""
        with self._lock:
            held = self._held(name)
            if held is None or held.owner != owner:
                return False
            self._locks[name] = _Lock(owner, self._clock.monotonic() + ttl)
            return True

    async def unlock(self, name: str, owner: str) -> bool:
        """Free a lock of this owner."""
        with self._lock:
            held = self._held(name)
            if held is None or held.owner != owner:
                return False
            del self._locks[name]
            return True

    async def lock_owner(self, name: str) -> str | None:
        """Return who has a lock."""
        with self._lock:
            held = self._held(name)
            return None if held is None else held.owner

    async def take_token(self, bucket: str, rate: float, burst: float, line: float = 0.0) -> float:
        """Take a token, or return the seconds after which to ask again."""
        with self._lock:
            now = self._clock.monotonic()
            found = self._buckets.get(bucket)
            tokens = burst if found is None else min(burst, found.tokens + (now - found.since) * rate)
            turn = now if found is None else max(now, found.turn)
            wait = 0.0
            if tokens < 1.0:
                missing = (1.0 - tokens) / rate
                turn = min(max(now + missing, turn + 1.0 / rate), now + max(missing, line))
                wait = turn - now
            left = tokens if wait else tokens - 1.0
            self._buckets[bucket] = _Bucket(left, now, turn, max(now + (burst - left) / rate, turn))
            return wait

    async def open_group(self, group: str, total: int, ttl: float) -> None:
        """Begin to collect results."""
        with self._lock:
            self._groups[group] = _Group([None] * total, self._clock.monotonic() + ttl)

    def _open(self, group: str) -> list[bytes | None] | None:
        found = self._groups.get(group)
        return None if found is None or found.expires <= self._clock.monotonic() else found.results

    async def add_to_group(self, group: str, member: int, body: bytes) -> int | None:
        """Keep a member's result; the first one stands."""
        with self._lock:
            results = self._open(group)
            if results is None:
                return None
            if results[member] is None:
                results[member] = body
            return results.count(None)

    async def group(self, group: str) -> list[bytes | None] | None:
        """Return the results in the order of members."""
        with self._lock:
            results = self._open(group)
            return None if results is None else list(results)

    async def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind."""
        with self._lock:
            return [each for (of, _), each in sorted(self._documents.items()) if of == kind]

    async def write_document(self, kind: str, key: str, body: bytes | None, version: int | None = None) -> int | None:
        """Write or delete a document, if it has the version that is expected."""
        with self._lock:
            present = self._documents.pop((kind, key), None)
            current = 0 if present is None else present.version
            if version is not None and version != current:
                if present is not None:
                    self._documents[kind, key] = present
                return None
            if body is None:
                return 0
            self._documents[kind, key] = Document(key, current + 1, body)
            return current + 1
