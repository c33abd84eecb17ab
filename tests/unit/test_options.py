from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stem_core.errors import ConfigurationError, UsageError
from stem_core.options import TaskOptions
from stem_core.rates import parse_rate


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
        ("rate_limit", "10"),
        ("rate_limit", "0/s"),
        ("rate_limit", "10/d"),
        ("rate_limit", 10),
        ("unique_for", 0),
        ("unique_for", 5),
        ("queue", "a b"),
        ("queue", None),
        ("priority", "1"),
        ("max_retries", "3"),
        ("max_retries", 1.5),
        ("retry_policy", {"backoff": True}),
        ("rate_key", 3),
        ("soft_time_limit", "5s"),
        ("hard_time_limit", [5]),
        ("unique", "no"),
        ("ignore_result", None),
        ("secrets", 3),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises((UsageError, ConfigurationError), match=name):
        TaskOptions(**{name: value})


def test_limits_take_seconds_or_a_timedelta() -> None:
    assert TaskOptions(soft_time_limit=1.5, visibility_timeout=timedelta(minutes=1)).soft_time_limit == 1.5


@pytest.mark.parametrize(("rate", "a_second"), [("10/s", 10.0), ("120/m", 2.0), ("1.8/h", 0.0005)])
def test_a_rate_is_so_many_in_a_second_a_minute_or_an_hour(rate: str, a_second: float) -> None:
    assert parse_rate("rate_limit", rate) == pytest.approx(a_second)


@pytest.mark.parametrize(
    "rate",
    ["0/s", "0.0/h", "-1/s", "1/d", "1/s\n", "٣/s", "1e3/s", f"0.{'0' * 300}1/h", f"1{'0' * 400}/s", 10, None],
)
def test_what_no_bucket_can_hold_is_no_rate(rate: Any) -> None:
    with pytest.raises(UsageError, match="rate_limit is") as caught:
        parse_rate("rate_limit", rate)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["hard_time_limit", "result_ttl", "expires", "unique_for"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300, 10**400, -1, 0, timedelta.max])
def test_a_duration_that_no_store_can_count_is_refused(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=name):
        TaskOptions(**{name: value}, unique=True)


def test_a_wrong_rate_is_answered_with_the_forms_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        TaskOptions(rate_limit="fast")
    assert "fast" in caught.value.message
    assert "10/s, 100/m or 5/h" in str(caught.value.hint)
