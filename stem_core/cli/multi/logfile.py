"""Reading a node's log, of which only the end is looked at: it may be large."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from stem_core.text import visible

_TAIL: Final = 1024 * 1024
_LONGEST_LINE: Final = 400


def last_line(path: Path, since: int = 0) -> str:
    """Return the last line of a log that is not empty, made harmless; "" if there is none."""
    written = [line for line in lines(path, since) if line.strip()]
    return visible(written[-1].decode("utf-8", "replace").strip(), _LONGEST_LINE) if written else ""


def lines(path: Path, since: int = 0) -> list[bytes]:
    """Return the lines from a place on, of a very long log the last; none if it cannot be read."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(min(since, end), end - _TAIL))
            return log.read(_TAIL).splitlines()
    except OSError:
        return []
