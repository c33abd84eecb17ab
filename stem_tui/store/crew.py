"""The workers of the cluster: who is there, who fell silent, who said farewell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from stem_core.snapshot import RunningTask, WorkerSnapshot
from stem_tui.store.workers import LATE_AFTER_BEATS, WorkerEntry, WorkerState

KEEP_LOST: Final = 600.0
MAX_LOST: Final = 200
MAX_FAREWELLS: Final = 1000


class Crew:
    """Workers by id.

    Attributes:
        entries: Those that are there, and those that vanished without a farewell in the last ten minutes.
        read_at: When they were last read, by the console's monotonic clock; None if never.
        departed: How many ended properly while the console watched.
    """

    def __init__(self) -> None:
        self.entries: dict[str, WorkerEntry] = {}
        self.read_at: float | None = None
        self.departed = 0
        self._farewells: dict[str, str] = {}
        self._lost_at: dict[str, float] = {}

    def update(self, seen: Iterable[tuple[WorkerSnapshot, float]], now: float) -> None:
        """Take all workers that the store knows, each with its age in seconds."""
        present: set[str] = set()
        for snapshot, age in seen:
            if self._farewells.get(snapshot.worker) == snapshot.boot:
                continue
            present.add(snapshot.worker)
            self._lost_at.pop(snapshot.worker, None)
            entry = self.entries.get(snapshot.worker)
            if entry is None:
                self.entries[snapshot.worker] = WorkerEntry(snapshot, age, now)
            else:
                entry.update(snapshot, age, now)
        self.read_at = now
        for worker in self.entries.keys() - present:
            self._miss(worker, now)

    def farewell(self, worker: str) -> None:
        """Note that a worker ended properly."""
        entry = self.entries.pop(worker, None)
        self._lost_at.pop(worker, None)
        if entry is None:
            return
        self.departed += 1
        self._farewells[worker] = entry.snapshot.boot
        if len(self._farewells) > MAX_FAREWELLS:
            del self._farewells[next(iter(self._farewells))]

    def _miss(self, worker: str, now: float) -> None:
        entry = self.entries[worker]
        if worker in self._lost_at:
            if now - self._lost_at[worker] > KEEP_LOST:
                del self.entries[worker], self._lost_at[worker]
        elif entry.beats(now) <= LATE_AFTER_BEATS or entry.snapshot.state in {"draining", "stopping"}:
            del self.entries[worker]  # it withdrew itself: a store forgets a silent one only later
            self.departed += 1
        else:
            entry.lost = True
            self._lost_at[worker] = now
            if len(self._lost_at) > MAX_LOST:
                oldest = next(iter(self._lost_at))
                del self.entries[oldest], self._lost_at[oldest]

    def per_queue(self, now: float) -> Counter[str]:
        """Return how many live workers subscribe to each queue."""
        counts: Counter[str] = Counter()
        for entry in self.entries.values():
            if entry.state(now) is not WorkerState.GONE:
                counts.update(entry.snapshot.queues)
        return counts

    def running(self) -> dict[str, tuple[WorkerEntry, RunningTask]]:
        """Return all tasks that workers said they hold, by id, with who holds them."""
        return {
            task.id: (entry, task)
            for entry in self.entries.values()
            if not entry.lost
            for task in entry.snapshot.running
        }
