"""How often something may happen: read from what people write."""

from __future__ import annotations

import re
from typing import Final

from stem_core.errors import UsageError

FORMS: Final = "10/s, 100/m or 5/h"

_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)/([smh])")
_LEAST: Final = 1e-9
_MOST: Final = 1e9
_PERIODS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_rate(name: str, rate: object) -> float:
    """Return how many a second a rate such as `10/s`, `100/m` or `5/h` allows.

    Args:
        name: What to call it in an error.
        rate: The rate as written.

    Raises:
        UsageError: It is none, or allows nothing.
    """
    found = _RATE.fullmatch(rate) if isinstance(rate, str) and rate.isascii() else None
    result = 0.0 if found is None else float(found[1]) / _PERIODS[found[2]]
    if not _LEAST <= result <= _MOST:
        raise UsageError(f"{name} is {rate!r:.60}", f"write {FORMS}")
    return result


def burst_of(rate: float) -> float:
    """Return how many may happen at once: what one second allows, and at least one."""
    return max(1.0, rate)
