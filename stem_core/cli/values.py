"""Kinds of values that flags take, each refused in words that say what would be right."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from stem_core.durations import parse_duration
from stem_core.errors import ConfigurationError


class DurationType(click.ParamType[float]):
    """A duration such as `250ms`, `5s`, `30m` or `1h`; gives seconds.

    Args:
        longer_than_nothing: Refuse a duration of zero.
    """

    name = "duration"

    def __init__(self, *, longer_than_nothing: bool = False) -> None:
        self._positive = longer_than_nothing

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read what the user wrote."""
        if isinstance(value, float):
            return value
        try:
            found = parse_duration(str(value), param.opts[0] if param else "the duration")
        except ConfigurationError as error:
            return self.fail(f"{value!r} is not a duration; {error.hint}", param, ctx)
        if self._positive and found <= 0:
            return self.fail(f"{value!r} is no time at all; write one such as 5s or 30m", param, ctx)
        return found


class SizeType(click.ParamType[int]):
    """A number of bytes such as `500K`, `200M` or `2G`; gives bytes.

    Args:
        least: The smallest that makes sense.
    """

    name = "size"

    def __init__(self, least: int = 1) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read what the user wrote."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([1-9][0-9]*)([KMG]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
        if match is None:
            return self.fail(f"{value!r} is not a size; write one such as 200M or 2G", param, ctx)
        size = int(match[1]) * _UNITS[match[2].upper()]
        if size < self._least:
            return self.fail(f"{value!r} is {size:,} bytes, which is too small; write one such as 200M", param, ctx)
        return size


class TextType(click.ParamType[str]):
    """Text that is not empty, so that a variable which a script forgot to set does not stand for everything."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take what the user wrote."""
        if not str(value).strip():
            return self.fail("it is empty; leave it out, or say what is meant", param, ctx)
        return str(value)


_UNITS: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}

DURATION: Final = DurationType()
PERIOD: Final = DurationType(longer_than_nothing=True)
MEMORY: Final = SizeType(least=1024**2)
TEXT: Final = TextType()
