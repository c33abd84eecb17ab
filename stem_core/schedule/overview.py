"""How all schedules of a namespace stand, for whoever looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stem_core.durations import seconds
from stem_core.schedule.book import Scheduled
from stem_core.schedule.timing import Timing, milliseconds


@dataclass(frozen=True, slots=True)
class Standing:
    """One entry.

    Args:
        item: The entry.
        next_run: When it is to be sent next, in ms; None if it is switched off or has ended.
        late: By how many ms that has passed already.
    """

    item: Scheduled
    next_run: int | None
    late: int

    @property
    def due(self) -> bool:
        """Whether it is to be sent now."""
        return self.next_run is not None and self.late >= 0

    @property
    def overdue(self) -> bool:
        """Whether it is later than its grace: no scheduler serves it."""
        return self.due and self.late > milliseconds(seconds(self.item.stored.entry.grace))


@dataclass(frozen=True, slots=True)
class Overview:
    """All entries.

    Args:
        standings: By name.
        due: How many are to be sent now, those that are overdue included.
        overdue: How many are later than their grace.
        max_drift: The greatest lateness of any entry's last job, in seconds.
    """

    standings: list[Standing]
    due: int
    overdue: int
    max_drift: float


def overview(items: Iterable[Scheduled], now: int) -> Overview:
    """Return how entries stand.

    Args:
        items: The entries.
        now: In ms, by the broker's clock.
    """
    standings = [standing(item, now) for item in items]
    return Overview(
        standings=standings,
        due=sum(each.due for each in standings),
        overdue=sum(each.overdue for each in standings),
        max_drift=max((each.item.progress.drift for each in standings), default=0.0),
    )


def standing(item: Scheduled, now: int) -> Standing:
    """Return how one entry stands."""
    timing = Timing(item.stored.entry)
    tick = timing.next_after(item.done) if item.stored.enabled else None
    if tick is None:
        return Standing(item, None, 0)
    due = timing.due_at(tick)
    return Standing(item, due, now - due)
