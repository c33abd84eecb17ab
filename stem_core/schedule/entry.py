"""What a schedule says: which task is to be enqueued when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal, TypeAlias, TypedDict, get_args

import msgspec

from stem_core.durations import Duration, format_duration, seconds
from stem_core.envelope import check_name
from stem_core.errors import ConfigurationError, UsageError
from stem_core.options import MAX_PRIORITY

SHORTEST_INTERVAL: Final = 0.1
LONGEST_INTERVAL: Final = 100 * 366 * 86400.0
MAX_CRON: Final = 256
"""Characters of a cron expression."""
MAX_NAME: Final = 64
"""Characters of an entry's name, so that the ids of its tasks stay short enough."""
DEFAULT_GRACE: Final = 60.0
"""Longer than schedulers take to be replaced by new ones, so that no deployment leaves a tick out."""

_YEARS: Final = range(1970, 9000)
"""Years that can be reckoned with: what lies far beyond has no date."""
_OF_THE_MACHINE: Final = frozenset({"localtime", "posixrules", "Factory"})

MissedTicks: TypeAlias = Literal["skip", "once", "all"]
"""What becomes of ticks that no scheduler was there for: none runs, the latest, or each of the last 1,000."""


class ScheduleError(UsageError):
    """A schedule's entry does not say what it must. `field` names what is wrong."""

    def __init__(self, entry: str, field: str, found: str, right: str) -> None:
        super().__init__(f"schedule {entry!r}: {field} {found}", right)
        self.field = field
        self.found = found


class ScheduleOptions(TypedDict, total=False):
    """What `Stem.schedule` takes beside the name and the task: the fields of `ScheduleEntry`, as keywords."""

    cron: str | None
    every: Duration | None
    args: Mapping[str, object]
    timezone: str
    queue: str | None
    priority: int | None
    expires: Duration | None
    jitter: Duration
    missed: MissedTicks
    grace: Duration
    start_at: datetime | None
    end_at: datetime | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """A task that is enqueued again and again, at the ticks of a cron expression or of an interval.

    Args:
        name: Name of the entry, 1 to 64 of letters, digits, dot, underscore, hyphen.
        task: Name of the task.
        cron: Five fields as in Debian's cron, or six of which the first are seconds.
        every: Seconds between ticks, 0.1 or more. Ticks are at the multiples of it since the epoch, or since
            `start_at`, whenever schedulers start.
        args: Arguments by name; JSON data.
        timezone: In which the cron expression is read, such as `Europe/Berlin`.
        queue: Queue; by default what routing and the task's own options say.
        priority: 0 to 9.
        expires: Do not start a job later than this many seconds after it was enqueued.
        jitter: Send each tick up to this many seconds later; how much is drawn from the tick itself.
        missed: What becomes of missed ticks: `skip` all, run the latest `once`, or run `all` (the last 1,000).
        grace: Seconds after which a tick that nobody sent counts as missed.
        start_at: No tick before this moment; with a timezone.
        end_at: No tick after this moment; with a timezone.
        enabled: Whether it is switched on.

    Raises:
        ScheduleError: A field cannot be so; names entry and field.
    """

    name: str
    task: str
    _: KW_ONLY
    cron: str | None = None
    every: Duration | None = None
    args: Mapping[str, object] = field(default_factory=dict)
    timezone: str = "UTC"
    queue: str | None = None
    priority: int | None = None
    expires: Duration | None = None
    jitter: Duration = 0.0
    missed: MissedTicks = "once"
    grace: Duration = DEFAULT_GRACE
    start_at: datetime | None = None
    end_at: datetime | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        self._check_names()
        for name in ("every", "expires", "jitter", "grace"):
            self._set(name, self._seconds(name))
        self._set("args", self._json_args())
        self._check_ticks()
        self._check_bounds()

    @property
    def spec(self) -> str:
        """When it ticks, for people: `every 5m` or `0 3 * * * Europe/Berlin`."""
        if self.cron is None:
            every = seconds(self.every or 0.0)
            return f"every {format_duration(every) if every >= 1 else f'{every * 1000:g}ms'}"
        return self.cron if self.timezone == "UTC" else f"{self.cron} {self.timezone}"

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # frozen for everyone but its own construction

    def _wrong(self, field: str, found: str, right: str) -> ScheduleError:
        return ScheduleError(str(self.name), field, found, right)

    def _check_names(self) -> None:
        for name in ("name",) if self.queue is None else ("name", "queue"):
            value: object = getattr(self, name)
            try:
                check_name(name, value)
            except ConfigurationError as error:
                raise self._wrong(name, f"is {value!r}", "use letters, digits, dot, underscore, hyphen") from error
        if len(self.name) > MAX_NAME:
            raise self._wrong("name", f"has {len(self.name)} characters", f"use at most {MAX_NAME}")
        task: object = self.task
        if not isinstance(task, str) or not task or not task.isprintable():
            raise self._wrong("task", f"is {task!r}", "give the name of a task")
        if self.priority not in (None, *range(MAX_PRIORITY + 1)):
            raise self._wrong("priority", f"is {self.priority!r}", f"use 0 to {MAX_PRIORITY}")
        if self.missed not in get_args(MissedTicks):
            raise self._wrong("missed", f"is {self.missed!r}", "use skip, once or all")

    def _seconds(self, name: str) -> float | None:
        value: object = getattr(self, name)
        if value is None and name in ("every", "expires"):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | timedelta):
            raise self._wrong(name, f"is {value!r}", "give seconds or a timedelta")
        number = seconds(value)
        least = {"every": SHORTEST_INTERVAL, "expires": 0.001}.get(name, 0.0)
        if not least <= number <= LONGEST_INTERVAL:
            raise self._wrong(name, f"is {value!r}", f"give {least:g} s or more, and less than a century")
        return number

    def _json_args(self) -> dict[str, object]:
        if not isinstance(self.args, Mapping):
            raise self._wrong("args", f"are a {type(self.args).__name__}", "give a mapping of argument names")
        for key in self.args:
            if type(key) is not str:
                raise self._wrong("args", f"have the name {key!r}", "argument names are text")
        try:
            known: dict[str, object] = msgspec.json.decode(msgspec.json.encode(dict(self.args)), type=dict[str, object])
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise self._wrong("args", f"cannot be sent: {error}", "use what JSON knows") from error
        return known

    def _check_ticks(self) -> None:
        if (self.cron is None) == (self.every is None):
            found = "and every are both given" if self.cron is not None else "and every are both missing"
            raise self._wrong("cron", found, "give one of them")
        zone = self._zone()
        if self.cron is not None:
            self._check_cron_text(self.cron)
            from cronsim import CronSim, CronSimError  # noqa: PLC0415 - only those who read cron expressions need it

            try:
                next(CronSim(self.cron, datetime(2000, 1, 1, tzinfo=zone)))
            except (CronSimError, StopIteration) as error:
                found = f"is {self.cron!r}: {str(error) or 'no such day comes'}"
                raise self._wrong(
                    "cron", found, "write minute, hour, day, month and weekday, such as '0 3 * * *'"
                ) from error
        elif seconds(self.jitter) > seconds(self.every or 0.0):
            raise self._wrong("jitter", f"is {self.jitter:g} s, longer than the interval", "use at most the interval")

    def _check_cron_text(self, cron: object) -> None:
        if not isinstance(cron, str) or len(cron) > MAX_CRON:
            found = f"is {cron!r}" if not isinstance(cron, str) else f"has {len(cron)} characters"
            raise self._wrong("cron", found, f"write an expression such as '0 3 * * *', at most {MAX_CRON} characters")
        self._set("cron", " ".join(cron.split()))

    def _zone(self) -> tzinfo:
        try:
            return zone_of(self.timezone)
        except (LookupError, ValueError, TypeError, OSError) as error:
            hint = "use a name such as Europe/Berlin; if it is one, install the package tzdata"
            raise self._wrong("timezone", f"is {self.timezone!r}, which is not known", hint) from error

    def _check_bounds(self) -> None:
        for name in ("start_at", "end_at"):
            value: object = getattr(self, name)
            if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
                raise self._wrong(
                    name, f"is {str(value)!r}", "give a moment with a timezone, such as 2025-01-01T00:00:00Z"
                )
            if isinstance(value, datetime):
                if value.year not in _YEARS:
                    raise self._wrong(name, f"is {value}", f"give a year from {_YEARS[0]} to {_YEARS[-1]}")
                self._set(name, value.astimezone(UTC))
        if self.start_at is not None and self.end_at is not None and self.end_at < self.start_at:
            raise self._wrong("end_at", f"is {self.end_at.isoformat()}, before start_at", "put it after start_at")


def zone_of(name: str) -> tzinfo:
    """Return a timezone; UTC is there on systems without a timezone database too.

    Raises:
        ZoneInfoNotFoundError: There is no such zone.
        ValueError: The name cannot be one.
    """
    if name == "UTC":
        return UTC
    if name in _OF_THE_MACHINE:
        raise ValueError(name)  # schedulers on two machines would not mean the same
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most entries are in UTC

    return ZoneInfo(name)
