"""Which ticks are sent when a scheduler comes late."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from stem_core.schedule.due import MAX_CATCH_UP, Due, due_ticks
from stem_core.schedule.entry import ScheduleEntry
from stem_core.schedule.timing import Timing

SECOND = 1000
HOUR = 3_600_000


def due(now: int, done: int = 0, **options: Any) -> Due | None:
    entry = ScheduleEntry("e", "t", **{"every": 60, **options})
    return due_ticks(entry, Timing(entry), done, now)


def test_nothing_is_due_before_its_tick_and_everything_at_it() -> None:
    assert due(59_999) is None
    assert due(60_000) == Due([60_000], 60_000)
    assert due(60_000, done=60_000) is None


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
def test_within_its_grace_no_tick_is_missed_whatever_the_policy(missed: str) -> None:
    assert due(10 * SECOND, every=2, missed=missed) == Due([2000, 4000, 6000, 8000, 10_000], 10_000)


@pytest.mark.parametrize(
    ("missed", "ticks"),
    [("skip", []), ("once", [HOUR]), ("all", [60_000 * number for number in range(1, 61)])],
)
def test_after_an_hours_sleep_the_policy_decides(missed: str, ticks: list[int]) -> None:
    assert due(HOUR + SECOND, missed=missed) == Due(ticks, HOUR)


def test_all_has_a_cap_and_takes_the_last_ones() -> None:
    found = due(24 * HOUR, every=1, missed="all")
    assert found is not None
    assert (len(found.ticks), found.ticks[-1], found.upto) == (MAX_CATCH_UP, 24 * HOUR, 24 * HOUR)


def test_a_nightly_tick_that_is_late_is_run_once_or_skipped() -> None:
    three = 3 * HOUR
    assert due(9 * HOUR, cron="0 3 * * *", every=None) == Due([three], three)
    assert due(9 * HOUR, cron="0 3 * * *", every=None, missed="skip") == Due([], three)
    assert due(9 * HOUR, cron="0 3 * * *", every=None, missed="skip", grace=12 * 3600) == Due([three], three)


@given(st.integers(0, 10**6), st.lists(st.integers(1, 4000), min_size=1, max_size=40), st.sampled_from([0.0, 0.7, 1.0]))
def test_however_one_looks_each_tick_is_sent_once_and_in_order(begin: int, looks: list[int], jitter: float) -> None:
    entry = ScheduleEntry("e", "t", every=1, jitter=jitter)
    timing = Timing(entry)
    now, done, sent = begin, begin, []
    for step in looks:
        now += step
        found = due_ticks(entry, timing, done, now)
        if found is not None:
            assert all(timing.due_at(tick) <= now for tick in found.ticks)
            sent += found.ticks
            done = found.upto
    assert sent == [tick for tick in timing.between(begin, now, 10_000) if tick <= done]
    following = timing.next_after(done)
    assert following is not None
    assert timing.due_at(following) > now
