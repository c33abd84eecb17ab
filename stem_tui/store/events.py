"""The event tail: the last lines, harmless and ready to show, and what was missed."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

import msgspec

MAX_EVENTS: Final = 2000
MAX_SOURCES: Final = 5000
_RATE_SPAN: Final = 5.0


class EventEntry(msgspec.Struct, frozen=True, gc=False):
    """One line of the tail. All text is harmless but the keys, which commands need as they are.

    Args:
        at: Epoch seconds, by the clock of whoever it happened to.
        word: What happened, such as `failed`.
        subject: The task's name, the worker, or the schedule's entry.
        worker: Whose frame it came in.
        detail: Runtime, error, reason.
        task_key: Task id, or empty.
        worker_key: Worker id.
        queue: Queue, or empty.
    """

    at: float
    word: str
    subject: str
    worker: str
    detail: str
    task_key: str
    worker_key: str
    queue: str


class SourceGap(NamedTuple):
    """How far one source's events were read. `boot` and `next_seq` are from its frames; `dropped` is its own count."""

    boot: str
    next_seq: int
    dropped: int


class EventTail:
    """The last events, their rate, and how many were missed.

    Attributes:
        entries: The last lines, oldest first.
        total: Events read since the console started.
        kept: Lines that were ever added; the newest one's number, by which a row is known.
        missed: Events that were published and not read, or that a source gave up.
        undecodable: Frames that could not be read.
        since: When the first frame was read, by the console's monotonic clock.
    """

    def __init__(self, limit: int = MAX_EVENTS) -> None:
        self.entries: deque[EventEntry] = deque(maxlen=limit)
        self.total = 0
        self.kept = 0
        self.missed = 0
        self.undecodable = 0
        self.since: float | None = None
        self._sources: dict[str, SourceGap] = {}
        self._counts: deque[tuple[float, int]] = deque()

    def admit(self, source: str, boot: str, seq: int, size: int, dropped: int) -> int:
        """Note a frame, and return how many of its first events were read before (all of them, if it is a repeat)."""
        known = self._sources.get(source)
        end = seq + size
        if known is None or known.boot != boot:
            self._sources[source] = SourceGap(boot, end, dropped)
            self.missed += 0 if known is None else dropped
            if len(self._sources) > MAX_SOURCES:
                del self._sources[next(iter(self._sources))]
            return 0
        self.missed += max(0, seq - known.next_seq) + max(0, dropped - known.dropped)
        self._sources[source] = SourceGap(boot, max(end, known.next_seq), max(dropped, known.dropped))
        return min(size, max(0, known.next_seq - seq))

    def line(self, number: int) -> EventEntry | None:
        """Return the line of that number, or None if it is not kept any more."""
        back = self.kept - number
        return self.entries[-1 - back] if 0 <= back < len(self.entries) else None

    def count(self, size: int, now: float) -> None:
        """Note that so many events were read."""
        if self.since is None:
            self.since = now
        self.total += size
        counts = self._counts
        if counts and now - counts[-1][0] < 0.2:
            counts[-1] = (counts[-1][0], counts[-1][1] + size)
        else:
            counts.append((now, size))
        while counts and counts[0][0] < now - _RATE_SPAN:
            counts.popleft()

    def rate(self, now: float) -> float | None:
        """Return events per second over the last five seconds, None if nothing was ever read."""
        if self.since is None:
            return None
        recent = sum(size for at, size in self._counts if at >= now - _RATE_SPAN)
        return recent / min(_RATE_SPAN, max(1.0, now - self.since))
