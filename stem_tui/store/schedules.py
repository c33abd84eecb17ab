"""What is enqueued when, as far as a page asked for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from stem_core.redaction import redacted_args
from stem_core.text import visible
from stem_tui.store.clean import clean, clean_error

if TYPE_CHECKING:
    from stem_core.schedule.book import Unreadable
    from stem_core.schedule.overview import Standing

_ARGS_SHOWN: Final = 2_000


class ScheduleItem(NamedTuple):
    """A schedule. Moments are epoch seconds by the broker's clock; all text but its name is harmless.

    Args:
        name: Its name, as commands need it.
        label: The same, harmless to show.
        task: What is enqueued.
        queue: Where; empty if routing and the task's options say.
        spec: When, as people write it.
        args: Arguments as JSON, without secrets.
        enabled: Whether it is switched on.
        origin: Where it was defined: `code` or `file`.
        next_run: When it is sent next; None if it is off or has ended.
        late: By how many seconds that has passed already; None if it has not.
        overdue: Whether it is later than its grace, so that no scheduler serves it.
        last_run: When it was sent last, None if never.
        last_id: The task that it sent then.
        drift: By how many seconds that was late.
        runs: How often it was sent.
        failures: How often it could not be sent.
        error: Why it could not be sent the last time; empty if it was.
        ticks: When it is sent from now on, if it is the one that is opened.
        problem: Why it cannot be read; empty if it can.
    """

    name: str
    label: str
    task: str = ""
    queue: str = ""
    spec: str = ""
    args: str = "{}"
    enabled: bool = True
    origin: str = ""
    next_run: float | None = None
    late: float | None = None
    overdue: bool = False
    last_run: float | None = None
    last_id: str = ""
    drift: float = 0.0
    runs: int = 0
    failures: int = 0
    error: str = ""
    ticks: tuple[float, ...] = ()
    problem: str = ""


def item_of(standing: Standing, ticks: Iterable[float]) -> ScheduleItem:
    """Return what to keep of an entry."""
    stored, progress = standing.item.stored, standing.item.progress
    entry = stored.entry
    shown = msgspec.json.encode(redacted_args(entry.args), enc_hook=repr).decode()
    return ScheduleItem(
        name=standing.item.name,
        label=clean(standing.item.name),
        task=clean(entry.task),
        queue=clean(entry.queue or ""),
        spec=clean(entry.spec),
        args=visible(shown, _ARGS_SHOWN),
        enabled=stored.enabled,
        origin=clean(stored.origin),
        next_run=None if standing.next_run is None else standing.next_run / 1000,
        late=standing.late / 1000 if standing.due else None,
        overdue=standing.overdue,
        last_run=None if progress.last_run is None else progress.last_run / 1000,
        last_id=progress.last_id,
        drift=progress.drift,
        runs=progress.runs,
        failures=progress.failures,
        error=clean_error(progress.error),
        ticks=tuple(ticks),
    )


def unreadable_item(found: Unreadable) -> ScheduleItem:
    """Return what to show of what cannot be read as an entry."""
    return ScheduleItem(name=found.name, label=clean(found.name), enabled=False, problem=clean_error(found.problem))


class Schedules:
    """The schedules of the namespace.

    Attributes:
        watched: Whether they are read again and again.
        opened: Name of the one that is looked at in full, or empty.
        items: By name, as read last; None if they never were.
        read_at: When, by the console's monotonic clock.
    """

    def __init__(self) -> None:
        self.watched = False
        self.opened = ""
        self.items: dict[str, ScheduleItem] | None = None
        self.read_at: float | None = None

    def take(self, items: Iterable[ScheduleItem], now: float) -> None:
        """Take what was read."""
        self.items, self.read_at = {item.name: item for item in items}, now

    def find(self, name: str) -> ScheduleItem | None:
        """Return the schedule of that name, as read last."""
        return (self.items or {}).get(name)
