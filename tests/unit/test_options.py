from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stem_core.errors import NotSupportedError, UsageError
from stem_core.options import TaskOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("priority", 10),
        ("priority", -1),
        ("max_retries", -1),
        ("soft_time_limit", 0),
        ("hard_time_limit", timedelta(seconds=-1)),
        ("expires", 0),
        ("execution", "fork"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=name):
        TaskOptions(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate_limit", "10/s"), ("rate_key", "x"), ("unique", True), ("unique_for", 5)],
)
def test_what_comes_later_is_refused_and_not_ignored(name: str, value: Any) -> None:
    with pytest.raises(NotSupportedError, match=name):
        TaskOptions(**{name: value})


def test_limits_take_seconds_or_a_timedelta() -> None:
    assert TaskOptions(soft_time_limit=1.5, visibility_timeout=timedelta(minutes=1)).soft_time_limit == 1.5
