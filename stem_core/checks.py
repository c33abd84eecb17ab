"""Checks of what programs hand in: an error names the thing, what was found, and what would be right."""

from __future__ import annotations

from typing import Any

from stem_core.durations import MAX_SECONDS, seconds
from stem_core.errors import UsageError


def check_kind(name: str, value: object, kind: type | tuple[type, ...], right: str) -> None:
    """Refuse what is of another kind.

    Args:
        name: What to call it in an error.
        value: What was handed in.
        kind: What it must be an instance of.
        right: What would be right.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(value, kind):
        raise UsageError(f"{name} is {value!r:.100}", right)


def check_whole(name: str, value: object, least: int = 0, most: int | None = None) -> None:
    """Refuse what is no whole number within the bounds.

    Raises:
        UsageError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        right = f"use {least} or more" if most is None else f"use {least} to {most}"
        raise UsageError(f"{name} is {value!r:.100}", right)


def positive_seconds(name: str, value: Any) -> float:
    """Return a duration as seconds.

    Raises:
        UsageError: It is none, not longer than nothing, or longer than a store can count.
    """
    number = _seconds(value)
    if not 0 < number <= MAX_SECONDS:
        raise UsageError(f"{name} is {value!r:.100}", "give a positive number of seconds or a timedelta")
    return number


def some_seconds(name: str, value: Any) -> float:
    """Return a duration, which may be 0, as seconds.

    Raises:
        UsageError: It is none, less than nothing, or longer than a store can count.
    """
    number = _seconds(value)
    if not 0 <= number <= MAX_SECONDS:
        raise UsageError(f"{name} is {value!r:.100}", "give seconds or a timedelta, 0 or more")
    return number


def _seconds(value: Any) -> float:
    try:
        return seconds(value)
    except UsageError:
        return -1.0
