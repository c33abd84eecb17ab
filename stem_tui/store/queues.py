"""What the model knows of one queue."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from stem_core.delivery import QueueStats
from stem_tui.store.clean import clean, clean_queue
from stem_tui.store.rates import CounterWindow

HISTORY_SECONDS: Final = 600.0
HISTORY_BUCKETS: Final = 60
_BUCKET: Final = HISTORY_SECONDS / HISTORY_BUCKETS
_RATE_SPAN: Final = 5.0
_ERROR_SPAN: Final = 60.0


class Rates(NamedTuple):
    """Jobs per second into and out of a queue, and the percentage of its runs that failed; None is not known."""

    inward: float | None = None
    outward: float | None = None
    errors: float | None = None


class QueueEntry:
    """A queue: its last figures, when they were read, and what became of its backlog.

    Attributes:
        name: The queue's name as the broker has it.
        label: The same, harmless to show.
        stats: The last figures.
        read_at: When they were read, by the console's monotonic clock.
        rates: Derived from the counters.
        history: Backlog over the last ten minutes, a bucket of ten seconds each; None where nothing was read.
        workers: How many live workers subscribe to it, None if not known.
    """

    __slots__ = ("_bucket", "_errors", "_flow", "history", "label", "name", "rates", "read_at", "stats", "workers")

    def __init__(self, stats: QueueStats, now: float) -> None:
        self.name = stats.name
        self.label = clean(stats.name)
        self.stats = clean_queue(stats)
        self.read_at = now
        self.rates = Rates()
        self.history: deque[int | None] = deque(maxlen=HISTORY_BUCKETS)
        self.workers: int | None = None
        self._bucket: int | None = None
        self._flow = CounterWindow(_RATE_SPAN)
        self._errors = CounterWindow(_ERROR_SPAN)

    @property
    def backlog(self) -> int:
        """Jobs that a worker could fetch now."""
        return self.stats.ready

    def update(self, stats: QueueStats, now: float) -> None:
        """Take new figures."""
        self.stats = clean_queue(stats)
        self.read_at = now
        ended = stats.succeeded + stats.failed + stats.cancelled
        self._flow.add(now, (stats.published, ended))
        self._errors.add(now, (stats.succeeded, stats.failed, stats.retried))
        self.rates = self._derive()
        self._remember(now)

    def interrupted(self) -> None:
        """Forget rates: nothing was read for a while, and what happened meanwhile is no rate."""
        self._flow.clear()
        self._errors.clear()
        self.rates = Rates()

    def _derive(self) -> Rates:
        flow, errors = self._flow.growth(), self._errors.growth()
        if flow is None or errors is None:
            return Rates()
        seconds, (inward, outward) = flow
        _, (succeeded, failed, retried) = errors
        runs = succeeded + failed + retried
        return Rates(inward / seconds, outward / seconds, 100.0 * (failed + retried) / runs if runs else 0.0)

    def _remember(self, now: float) -> None:
        bucket = int(now // _BUCKET)
        if self._bucket is None or bucket - self._bucket > HISTORY_BUCKETS:
            self.history.clear()
        elif bucket == self._bucket:
            self.history[-1] = self.stats.ready
            return
        else:
            self.history.extend([None] * (bucket - self._bucket - 1))
        self._bucket = bucket
        self.history.append(self.stats.ready)
