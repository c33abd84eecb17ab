"""Which ticks are to be sent now. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from stem_core.durations import seconds
from stem_core.schedule.entry import ScheduleEntry
from stem_core.schedule.timing import Timing, milliseconds

MAX_CATCH_UP: Final = 1_000
"""Ticks of one entry that are sent at a time; older ones are passed over."""


class Due(NamedTuple):
    """Ticks that are to be sent now, and the tick up to which the entry is done then."""

    ticks: list[int]
    upto: int


def due_ticks(entry: ScheduleEntry, timing: Timing, done: int, now: int) -> Due | None:
    """Decide which ticks to send.

    As long as the oldest tick is not later than the entry's grace, each one is sent: a scheduler that takes over from
    one that died leaves nothing out. Otherwise nobody was there, and the entry's policy for missed ticks decides.

    Args:
        entry: The entry.
        timing: Its ticks.
        done: The last tick that is done, in ms.
        now: In ms.

    Returns:
        None if nothing is due.
    """
    oldest = timing.next_after(done)
    if oldest is None or timing.due_at(oldest) > now:
        return None
    ticks = timing.between(done, now, MAX_CATCH_UP)
    # In the order of ticks, whatever jitter says: one that must still wait keeps those behind it.
    waiting = next((at for at, tick in enumerate(ticks) if timing.due_at(tick) > now), len(ticks))
    ticks = ticks[:waiting]
    if not ticks:
        return None
    missed = now - timing.due_at(oldest) > milliseconds(seconds(entry.grace))
    if not missed or entry.missed == "all":
        return Due(ticks, ticks[-1])
    return Due([] if entry.missed == "skip" else ticks[-1:], ticks[-1])
