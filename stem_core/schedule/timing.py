"""When an entry ticks. Pure; moments are whole milliseconds since the epoch, so that all schedulers name them alike.

In a zone whose clocks change, cron expressions do what Debian's cron does. A fixed time that the clocks jump over runs
at the first moment after the gap, and one that comes twice runs the first time. An expression whose minute or hour
starts with `*`, or that has seconds, follows the clock on the wall: it has no ticks in the gap, and ticks in both of
two like hours. Intervals count real seconds and know no clock changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Final

from cronsim import CronSim

from stem_core.durations import seconds
from stem_core.schedule.entry import ScheduleEntry, zone_of

_FIRST_WINDOW: Final = 120_000
_WIDER: Final = 4
_HOUR: Final = 3600


def milliseconds(moment: datetime | float) -> int:
    """Return a moment, or epoch seconds, as whole milliseconds since the epoch."""
    return round((moment.timestamp() if isinstance(moment, datetime) else moment) * 1000)


class Timing:
    """The ticks of one entry."""

    def __init__(self, entry: ScheduleEntry) -> None:
        self._name = entry.name
        self._cron = entry.cron
        self._zone = zone_of(entry.timezone)
        self._step = milliseconds(seconds(entry.every or 0.0))
        self._jitter = milliseconds(seconds(entry.jitter))
        self._start = None if entry.start_at is None else milliseconds(entry.start_at)
        self._end = None if entry.end_at is None else milliseconds(entry.end_at)

    def next_after(self, moment: int) -> int | None:
        """Return the first tick after a moment, None if there is none any more."""
        return next(self.after(moment), None)

    def after(self, moment: int) -> Iterator[int]:
        """Return all ticks after a moment, in order."""
        if self._start is not None:
            moment = max(moment, self._start - 1)
        for tick in self._steps(moment) if self._cron is None else self._cron_ticks(self._cron, moment):
            if self._end is not None and tick > self._end:
                return
            yield tick

    def between(self, after: int, until: int, most: int) -> list[int]:
        """Return the last `most` ticks after one moment and not after another, in order."""
        window = _FIRST_WINDOW
        while True:
            start = max(after, until - window)
            ticks = []
            for tick in self.after(start):
                if tick > until:
                    break
                ticks.append(tick)
            if len(ticks) >= most or start == after:
                return ticks[-most:]
            window *= _WIDER

    def due_at(self, tick: int) -> int:
        """Return when a tick is to be sent: all schedulers draw the same jitter for it."""
        if not self._jitter:
            return tick
        drawn = blake2b(f"{self._name} {tick}".encode(), digest_size=8).digest()
        return tick + int.from_bytes(drawn, "big") % (self._jitter + 1)

    def _steps(self, moment: int) -> Iterator[int]:
        anchor = self._start or 0
        tick = anchor + ((moment - anchor) // self._step + 1) * self._step
        while True:
            yield tick
            tick += self._step

    def _cron_ticks(self, expression: str, moment: int) -> Iterator[int]:
        for found in _Cron(expression, datetime.fromtimestamp(moment // 1000, self._zone)):
            tick = milliseconds(found)
            # Where clocks are put back, a fixed time is named a second time with its first moment; where they are put
            # forward, several names mean one moment.
            if tick > moment:
                yield tick
                moment = tick


class _Cron(CronSim):
    """Finds the beginning of each hour also where clocks change by half of one, as on Lord Howe Island."""

    def advance_hour(self) -> bool:
        if self.dt.hour in self.hours:
            return False
        while self.dt.hour not in self.hours:
            self.tick(_HOUR - self.dt.minute * 60 - self.dt.second)
            if self.dt.hour == 0:
                break  # another day, which may not be meant
        return True
