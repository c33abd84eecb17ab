"""How figures are written. What is not known is `?`, what does not apply is a dash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from stem_core.durations import format_duration
from stem_tui.store.clean import span

UNKNOWN: Final = "?"
NOTHING: Final = "\N{EN DASH}"
_BARS: Final = "▁▂▃▄▅▆▇█"


def count(value: int | None) -> str:
    """Write a number of things: `12,418`."""
    return UNKNOWN if value is None else f"{value:,}"


def rate(value: float | None) -> str:
    """Write a rate: `41.2`, `1,310`."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def per_minute(value: float | None) -> str:
    """Write a rate per minute: `182`."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def size(value: int | None) -> str:
    """Write bytes: `312M`, `1.2G`."""
    if value is None or value <= 0:
        return UNKNOWN
    if value < 1 << 20:
        return f"{value >> 10}K"
    return f"{value >> 20}M" if value < 1 << 30 else f"{value / (1 << 30):.1f}G"


def seconds(value: float | None) -> str:
    """Write an age in whole seconds: `0s`, `27s`, `5m41s`."""
    return UNKNOWN if value is None else duration(int(span(value))) if value >= 1 else "0s"


def duration(value: float) -> str:
    """Write a length of time: `240ms`, `3s`, `5m41s`."""
    return format_duration(span(value))


def precise(value: float | None) -> str:
    """Write a short time with its tenths: `0.3s`, `27s`."""
    if value is None:
        return UNKNOWN
    return f"{span(value):.1f}s" if value < 10 else duration(value)


def clock(epoch: float) -> str:
    """Write a time of day in UTC: `21:04:17`."""
    return _moment(epoch).strftime("%H:%M:%S")


def clock_ms(epoch: float) -> str:
    """Write a time of day in UTC with milliseconds: `21:04:17.112`."""
    moment = _moment(epoch)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def when(epoch: float, wall: float) -> str:
    """Write a moment in UTC: its time of day if it is of today, otherwise its date, too: `11-24 21:04`."""
    moment, today = _moment(epoch), _moment(wall)
    return f"{moment:%H:%M:%S}" if moment.date() == today.date() else f"{moment:%m-%d %H:%M}"


def local(epoch: float, wall: float) -> str:
    """Write a moment in the reader's own timezone: `03:00:00` if it is of today, otherwise `Sat 11-28 03:00`."""
    moment, today = _moment(epoch).astimezone(), _moment(wall).astimezone()
    return f"{moment:%H:%M:%S}" if moment.date() == today.date() else f"{moment:%a %m-%d %H:%M}"


def zone(wall: float) -> str:
    """Return what the reader's own timezone is called."""
    return _moment(wall).astimezone().tzname() or UNKNOWN


def day(epoch: float) -> int:
    """Return the number of a day, by which it is told whether two moments are of the same one."""
    return _moment(epoch).toordinal()


def _moment(epoch: float) -> datetime:
    bounded = min(max(epoch, 0.0), 253402300799.0) if epoch == epoch else 0.0  # noqa: PLR0124 - NaN is not itself
    return datetime.fromtimestamp(bounded, UTC)


def short_id(task_id: str) -> str:
    """Return the end of an id: ids begin with the time, so their ends tell them apart."""
    return task_id[-8:]


def sparkline(values: Iterable[int | None], width: int) -> str:
    """Draw values as bars on a scale of their own, newest at the right; a gap where nothing is known."""
    points = list(values)
    group = max(1, -(-len(points) // width))
    start = len(points) % group
    parts = ([points[:start]] if start else []) + [
        points[place : place + group] for place in range(start, len(points), group)
    ]
    heights = [max((value for value in part if value is not None), default=None) for part in parts][-width:]
    most = max((height for height in heights if height is not None), default=0)
    drawn = "".join(" " if height is None else _BARS[height * 7 // most if most else 0] for height in heights)
    return drawn.rjust(width)


def bar(part: int, whole: int, width: int = 8) -> str:
    """Draw a part of a whole: `████▁▁▁▁`."""
    filled = min(width, round(width * part / whole)) if whole > 0 else 0
    return "█" * filled + "▁" * (width - filled)


def graph(values: Sequence[int | None], width: int, height: int) -> list[str]:
    """Draw values as columns of `height` lines, newest at the right."""
    points = [*([None] * max(0, width - len(values))), *values[-width:]]
    most = max((value for value in points if value is not None), default=0)
    lines = []
    for level in range(height - 1, -1, -1):
        cells = []
        for value in points:
            eighths = 0 if value is None or not most else round(value / most * height * 8) - level * 8
            cells.append(" " if eighths <= 0 else _BARS[min(eighths, 8) - 1])
        lines.append("".join(cells))
    return lines
