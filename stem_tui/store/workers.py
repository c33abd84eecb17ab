"""What the model knows of one worker."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from stem_core.snapshot import WorkerSnapshot
from stem_tui.store.clean import clean, clean_snapshot
from stem_tui.store.rates import CounterWindow

_RATE_SPAN: Final = 60.0
DIM_AFTER_BEATS: Final = 1.5
LATE_AFTER_BEATS: Final = 2.5
GONE_AFTER: Final = 30.0
"""Seconds of silence, beyond any lease's end, after which a worker is taken for gone."""


class WorkerState(StrEnum):
    """How a worker stands, by its own word or by its silence."""

    START = "start"
    RUN = "run"
    DRAIN = "drain"
    STOP = "stop"
    LATE = "LATE"
    GONE = "GONE"


_BY_WORD: Final = {
    "starting": WorkerState.START,
    "running": WorkerState.RUN,
    "draining": WorkerState.DRAIN,
    "stopping": WorkerState.STOP,
}


class WorkerEntry:
    """A worker: its last snapshot, how old that was by the store's clock, and what its counters tell.

    Attributes:
        id: The worker's id, as commands need it.
        label: The same, harmless to show.
        snapshot: Its last word.
        done_per_minute: Jobs that ended, None if not known.
        failed_per_minute: Jobs that failed for good, None if not known.
        cpu_history: Percent of a core at its last heartbeats, oldest first.
        lost: Whether the store forgot it without a farewell.
        changed: Grows with each new word.
    """

    __slots__ = (
        "_age",
        "_counters",
        "_read_at",
        "changed",
        "cpu_history",
        "done_per_minute",
        "failed_per_minute",
        "id",
        "label",
        "lost",
        "snapshot",
    )

    def __init__(self, snapshot: WorkerSnapshot, age: float, now: float) -> None:
        self.id = snapshot.worker
        self.label = clean(snapshot.worker)
        self.done_per_minute: float | None = None
        self.failed_per_minute: float | None = None
        self.cpu_history: list[float] = []
        self.lost = False
        self.changed = 0
        self.snapshot = clean_snapshot(snapshot)
        self._age = age
        self._read_at = now
        self._counters = CounterWindow(_RATE_SPAN, least=1.5)
        self._count(snapshot)

    def update(self, snapshot: WorkerSnapshot, age: float, now: float) -> None:
        """Take a newer word. An older one of the same process changes nothing."""
        self.lost = False
        if snapshot.boot != self.snapshot.boot:
            self._counters.clear()
            self.done_per_minute = self.failed_per_minute = None
        elif snapshot.at < self.snapshot.at:
            return
        elif snapshot.at == self.snapshot.at:
            self._age, self._read_at = age, now
            return
        self.snapshot = clean_snapshot(snapshot)
        self._age, self._read_at = age, now
        self._count(snapshot)

    def _count(self, snapshot: WorkerSnapshot) -> None:
        self.changed += 1
        self.cpu_history = [*self.cpu_history[-7:], snapshot.cpu]
        done = snapshot.succeeded + snapshot.failed + snapshot.cancelled
        self._counters.add(snapshot.at, (done, snapshot.failed))
        growth = self._counters.growth()
        if growth is not None:
            seconds, (ended, failed) = growth
            self.done_per_minute, self.failed_per_minute = 60.0 * ended / seconds, 60.0 * failed / seconds

    def age(self, now: float) -> float:
        """Return seconds since its last heartbeat."""
        return self._age + max(0.0, now - self._read_at)

    def beats(self, now: float) -> float:
        """Return its silence, counted in its own heartbeats."""
        return self.age(now) / max(self.snapshot.interval, 0.1)

    def state(self, now: float) -> WorkerState:
        """Return how it stands."""
        if self.lost or self.age(now) > max(GONE_AFTER, 5 * self.snapshot.interval):
            return WorkerState.GONE
        if self.beats(now) > LATE_AFTER_BEATS:
            return WorkerState.LATE
        return _BY_WORD.get(self.snapshot.state, WorkerState.RUN)
