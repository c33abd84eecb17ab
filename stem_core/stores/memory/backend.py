"""Outcomes of tasks, kept in memory."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.delivery import EndedRange
from stem_core.stores.port import KeptRecord

_SWEEP_EVERY: Final = 1024
_order: Final = itertools.count(1)


class _Record(NamedTuple):
    body: bytes
    queue: str
    expires: float
    deliveries: int
    kept_at: float
    number: int


class InMemoryResultBackend:
    """Keeps results for as long as this process lives. Thread-safe.

    Args:
        clock: Source of time for expiry.
        location: Where results lie; a broker gives its own.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK, location: str | None = None) -> None:
        self.location = location or f"memory://results-{id(self):x}"
        self.warnings: tuple[str, ...] = ()
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}
        self._puts = 0

    async def put(self, entries: Sequence[KeptRecord]) -> list[bool]:
        """Keep records; the first one of the highest delivery count stands."""
        return self.put_now(entries)

    def put_now(self, entries: Sequence[KeptRecord]) -> list[bool]:
        """Keep records, without an event loop."""
        with self._lock:
            now = self._clock.monotonic()
            self._sweep(now, len(entries))
            return [self._put(entry, now) for entry in entries]

    def _put(self, entry: KeptRecord, now: float) -> bool:
        present = self._records.pop(entry.id, None)
        if present is not None and present.expires > now and present.deliveries >= entry.deliveries:
            self._records[entry.id] = present
            return False
        self._records[entry.id] = _Record(
            entry.record, entry.queue, now + entry.ttl, entry.deliveries, self._clock.time(), next(_order)
        )
        return True

    def _sweep(self, now: float, puts: int) -> None:
        self._puts += puts
        if self._puts >= _SWEEP_EVERY:
            self._puts = 0
            for task_id in [key for key, record in self._records.items() if record.expires <= now]:
                del self._records[task_id]

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return records, None where there is none."""
        now = self._clock.monotonic()
        with self._lock:
            found = [self._records.get(task_id) for task_id in ids]
        return [record.body if record is not None and record.expires > now else None for record in found]

    async def ended(self, wanted: EndedRange, limit: int, cursor: str = "") -> tuple[list[bytes], str]:
        """Return records, those kept last first; a cursor is the number of the last one that was shown."""
        now = self._clock.monotonic()
        with self._lock:
            records = sorted(self._records.values(), key=lambda record: record.number, reverse=True)
        below = int(cursor) if cursor else float("inf")
        found = [record for record in records if record.number < below and record.expires > now]
        found = [record for record in found if _is_in(record, wanted)]
        page = found[:limit]
        return [record.body for record in page], str(page[-1].number) if len(found) > limit else ""

    def has(self, task_id: str) -> bool:
        """Return whether there is a record."""
        with self._lock:
            record = self._records.get(task_id)
        return record is not None and record.expires > self._clock.monotonic()

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


def _is_in(record: _Record, wanted: EndedRange) -> bool:
    if wanted.queues is not None and record.queue not in wanted.queues:
        return False
    return (wanted.since is None or record.kept_at >= wanted.since) and (
        wanted.until is None or record.kept_at < wanted.until
    )
