"""Room on the disk.

New work is refused while there is still some left, so that what is queued can be finished: that needs room too.
"""

from __future__ import annotations

import os
from typing import Final

from stem_core.errors import BrokerFullError
from stem_core.text import visible

RESERVE: Final = 4 * 1024 * 1024
"""Bytes of the disk that only the finishing of jobs may use."""


def free_bytes(path: str) -> int | None:
    """Return how much this user may still write to the disk of that file, None if the machine does not tell."""
    statvfs = getattr(os, "statvfs", None)
    if statvfs is None:
        return None
    try:
        figures = statvfs(os.path.dirname(path))  # noqa: PTH120 - called for each batch, and three times as fast
    except OSError:
        return None
    return int(figures.f_bavail * figures.f_frsize)


def check_room(path: str) -> None:
    """Refuse new work if the reserve has been reached.

    Raises:
        BrokerFullError: It has.
    """
    free = free_bytes(path)
    if free is not None and free < RESERVE:
        raise BrokerFullError(
            f"the disk of {visible(path)} has {free // 1024:,} KiB left",
            f"new jobs need {RESERVE // 1024:,} KiB or more; what is queued goes on being finished",
        )
