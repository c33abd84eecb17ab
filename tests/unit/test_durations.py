from __future__ import annotations

from datetime import timedelta

import pytest

from stem_core.durations import format_duration, parse_duration, seconds
from stem_core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "value"), [("250ms", 0.25), ("5s", 5), ("30m", 1800), ("1h", 3600), ("2.5", 2.5), (" 7s ", 7)]
)
def test_people_write_durations_with_a_unit_or_as_seconds(text: str, value: float) -> None:
    assert parse_duration(text, "--timeout") == value


@pytest.mark.parametrize("text", ["", "soon", "5 s", "-1s", "1d", "1h30m", "1e3", "٣s5"])
def test_what_is_no_duration_names_its_setting(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--timeout"):
        parse_duration(text, "--timeout")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.24, "240ms"), (3, "3s"), (3.25, "3.2s"), (41, "41s"), (341, "5m41s"), (3725, "1h02m"), (273600, "3d04h")],
)
def test_durations_are_shown_short(value: float, text: str) -> None:
    assert format_duration(value) == text


def test_a_timedelta_is_its_seconds() -> None:
    assert seconds(timedelta(minutes=2)) == seconds(120) == 120.0
