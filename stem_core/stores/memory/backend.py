"""Outcomes of tasks, kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, Self

from stem_core.clock import SYSTEM_CLOCK, Clock

_SWEEP_EVERY: Final = 1024


class InMemoryResultBackend:
    """Keeps results for as long as this process lives. Thread-safe.

    Args:
        clock: Source of time for expiry.
        location: Where results lie; a broker gives its own.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK, location: str | None = None) -> None:
        self.location = location or f"memory://results-{id(self):x}"
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, tuple[bytes, float, int]] = {}
        self._puts = 0

    async def put(self, entries: Sequence[tuple[str, bytes, float, int]]) -> list[bool]:
        """Keep records; the first one of the highest delivery count stands."""
        return self.put_now(entries)

    def put_now(self, entries: Sequence[tuple[str, bytes, float, int]]) -> list[bool]:
        """Keep records, without an event loop."""
        with self._lock:
            now = self._clock.monotonic()
            self._sweep(now, len(entries))
            return [self._put(entry, now) for entry in entries]

    def _put(self, entry: tuple[str, bytes, float, int], now: float) -> bool:
        task_id, record, ttl, deliveries = entry
        present = self._records.get(task_id)
        if present is not None and present[1] > now and present[2] >= deliveries:
            return False
        self._records[task_id] = (record, now + ttl, deliveries)
        return True

    def _sweep(self, now: float, puts: int) -> None:
        self._puts += puts
        if self._puts >= _SWEEP_EVERY:
            self._puts = 0
            for task_id in [key for key, entry in self._records.items() if entry[1] <= now]:
                del self._records[task_id]

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return records, None where there is none."""
        now = self._clock.monotonic()
        with self._lock:
            found = [self._records.get(task_id) for task_id in ids]
        return [entry[0] if entry is not None and entry[1] > now else None for entry in found]

    def has(self, task_id: str) -> bool:
        """Return whether there is a record."""
        with self._lock:
            entry = self._records.get(task_id)
        return entry is not None and entry[1] > self._clock.monotonic()

    def forget(self, task_id: str) -> None:
        """Drop a record: its task was replayed."""
        with self._lock:
            self._records.pop(task_id, None)

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
