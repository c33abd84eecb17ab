"""Durations as people write them: `250ms`, `5s`, `30m`, `1h`, a number of seconds, or a timedelta."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final, TypeAlias

from stem_core.errors import ConfigurationError, UsageError

Duration: TypeAlias = float | timedelta

MAX_SECONDS: Final = 1e12
"""No duration is longer: every store can count so many, and nobody means more."""
FIRST_MOMENT: Final = -3e10
LAST_MOMENT: Final = 2.2e11
"""Epoch seconds of about the years 1020 and 8940: what lies between has a date in each timezone."""

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PATTERN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")


def seconds(value: Duration) -> float:
    """Return a duration as seconds; what is too large for a number is endless.

    Raises:
        UsageError: It is none.
    """
    try:
        return value.total_seconds() if isinstance(value, timedelta) else float(value)
    except OverflowError:
        return float("inf")
    except (TypeError, ValueError):
        raise UsageError(f"{value!r:.100} is no duration", "give seconds or a timedelta") from None


def bounded(value: float) -> float:
    """Return seconds as a store can take them: 0 to `MAX_SECONDS`, and 0 for what is no number."""
    return min(max(0.0, value), MAX_SECONDS)


def parse_duration(text: str, name: str) -> float:
    """Read a duration that a person wrote.

    Args:
        text: For example `250ms`, `5s`, `30m`, `1h`; a bare number counts seconds.
        name: What is being set, for the error message.

    Returns:
        Seconds.

    Raises:
        ConfigurationError: The text is not a duration.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(
            f"{name} is {text!r}, which is not a duration",
            "write a number with ms, s, m or h, such as 5s or 250ms",
        )
    result = float(match[1]) * _UNITS[match[2] or "s"]
    if result > MAX_SECONDS:
        raise ConfigurationError(f"{name} is longer than {MAX_SECONDS:.0e} s", "write a shorter duration")
    return result


def format_duration(value: float) -> str:
    """Write seconds the short way: `240ms`, `3s`, `5m41s`, `1h02m`, `3d04h`."""
    if value < 1:
        return f"{value * 1000:.0f}ms"
    if value < 10:
        return f"{value:.1f}s".replace(".0s", "s")
    whole = int(value)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"
