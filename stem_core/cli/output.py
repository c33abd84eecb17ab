"""What the command line prints: JSON for programs, short aligned tables for people.

Text from the wire goes through `visible` before a person's terminal gets it; JSON is pure ASCII, which does the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

import msgspec

from stem_core.clock import SYSTEM_CLOCK
from stem_core.durations import FIRST_MOMENT, LAST_MOMENT
from stem_core.text import visible

if TYPE_CHECKING:
    from datetime import datetime

_MAX_CELL = 60


def local_moment(epoch: float) -> datetime:
    """Return a moment in the reader's own timezone; of one that has no date, which anybody may write, the nearest."""
    from datetime import datetime  # noqa: PLC0415 - only people need dates

    return datetime.fromtimestamp(min(max(epoch, FIRST_MOMENT), LAST_MOMENT)).astimezone()


def local_time(epoch: float, timespec: str = "seconds") -> str:
    """Return a moment as people read it."""
    return local_moment(epoch).isoformat(sep=" ", timespec=timespec)


def write_json(document: object) -> None:
    """Print one document on one line."""
    sys.stdout.write(json.dumps(msgspec.to_builtins(document), ensure_ascii=True) + "\n")
    sys.stdout.flush()


def write_line(text: str = "") -> None:
    """Print one line for a person; whatever stands in it is made harmless."""
    _write(sys.stdout, visible(text))


def write_note(text: str) -> None:
    """Print one line on stderr, for whoever watches."""
    _write(sys.stderr, visible(text))


def write_error(message: str, hint: str | None, *, as_json: bool, extra: Mapping[str, object] | None = None) -> None:
    """Print an error: one line on stderr, and with `as_json` a document on stdout; a stream that takes none is let be.

    Args:
        message: What was found.
        hint: What would be right.
        as_json: Whether the command was called with `--json`.
        extra: What else the document holds.
    """
    if as_json:
        with suppress(OSError):
            write_json({"error": {"message": message, "hint": hint}, **(extra or {})})
    with suppress(OSError):
        _write(sys.stderr, visible(f"stem: {message}: {hint}" if hint else f"stem: {message}"))


def write_table(heads: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table whose columns are aligned, numbers to the right: in colour on a terminal, else as plain text.

    Args:
        heads: Column titles.
        rows: Cells; None shows as `-`.
        empty: What to say if there are no rows.
    """
    values = [list(row) for row in rows]
    if not values:
        write_line(empty)
        return
    cells = [[_cell(value) for value in row] for row in values]
    right = [any(isinstance(row[column], (int, float)) for row in values) for column in range(len(heads))]
    if sys.stdout.isatty():
        from stem_core.cli.rich_table import print_table  # noqa: PLC0415 - only a person's terminal needs Rich

        print_table(heads, cells, right)
    else:
        _write_aligned([list(heads), *cells], right)


def short_moment(at: float) -> str:
    """Return when something was, by the clock of whoever looks: the time of day, with the date if it was not today."""
    moment, now = local_moment(at), local_moment(SYSTEM_CLOCK.time())
    return moment.strftime("%H:%M:%S" if moment.date() == now.date() else "%Y-%m-%d %H:%M")


def _write_aligned(cells: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    widths = [max(_width(row[column]) for row in cells) for column in range(len(right))]
    for row in cells:
        line = "  ".join(_padded(cell, widths[column], right=right[column]) for column, cell in enumerate(row))
        _write(sys.stdout, line.rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return visible(str(value), _MAX_CELL)


def _padded(text: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if right else text + blanks


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _write(stream: object, line: str) -> None:
    # A terminal's encoding may not know every character.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)  # type: ignore[call-overload]  # any text stream
