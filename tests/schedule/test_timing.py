"""When entries tick: properties that hold for all of them, and what clock changes do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from stem_core.schedule.entry import ScheduleEntry
from stem_core.schedule.timing import Timing, milliseconds

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"]
CRONS = [
    "* * * * *", "*/15 * * * *", "0 3 * * *", "30 2 * * *", "0,30 2 * * *", "*/20 2 * * *", "15 * * * *",
    "0 0 * * MON", "0 0 L * *", "59 23 28-31 * *", "5 1,2,3 * * *", "*/10 * * * * *", "30 30 2 * * *", "0 0 29 2 *",
    "*/10 3 * * *", "*/23 5 * * *", "* 0 * * SUN",
]  # fmt: skip
moments = st.integers(milliseconds(datetime(2015, 1, 1, tzinfo=UTC)), milliseconds(datetime(2030, 1, 1, tzinfo=UTC)))
entries = st.one_of(
    st.builds(
        lambda cron, zone: ScheduleEntry("e", "t", cron=cron, timezone=zone),
        st.sampled_from(CRONS),
        st.sampled_from(ZONES),
    ),
    st.builds(lambda every: ScheduleEntry("e", "t", every=every / 1000), st.integers(100, 90_000_000)),
)


def around_changes(zone: str) -> list[int]:
    """Return moments of a day around each of a year's clock changes."""
    tz = ZoneInfo(zone)
    days = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(365 * 24)]
    turns = [
        late for early, late in pairwise(days) if early.astimezone(tz).utcoffset() != late.astimezone(tz).utcoffset()
    ]
    return [milliseconds(turn + timedelta(minutes=10 * step)) for turn in turns for step in range(-30, 30)]


@given(entries, moments)
def test_ticks_only_go_forward_and_one_by_one_is_the_same_as_in_a_row(entry: ScheduleEntry, moment: int) -> None:
    timing = Timing(entry)
    row = list(islice(timing.after(moment), 20))
    assert all(early < late for early, late in pairwise([moment, *row]))
    single, at = [], moment
    while len(single) < len(row):
        at = timing.next_after(at) or 0
        single.append(at)
    assert single == row


@given(entries, moments, st.integers(0, 5_000_000), st.integers(1, 30))
def test_what_lies_between_is_what_comes_after_without_what_comes_later(
    entry: ScheduleEntry, moment: int, length: int, most: int
) -> None:
    timing = Timing(entry)
    expected = []
    for tick in timing.after(moment):
        if tick > moment + length or len(expected) > 60_000:
            break
        expected.append(tick)
    assert timing.between(moment, moment + length, most) == expected[-most:]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("cron", CRONS)
def test_wherever_one_begins_around_a_clock_change_the_ticks_are_the_same(zone: str, cron: str) -> None:
    timing = Timing(ScheduleEntry("e", "t", cron=cron, timezone=zone))
    starts = around_changes(zone)
    assert len(starts) == 120
    for half in (starts[:60], starts[60:]):
        last = half[-1]
        whole = timing.between(half[0], last, 100_000)
        for start in half[1::7]:
            assert timing.between(start, last, 100_000) == [tick for tick in whole if tick > start]


def local(cron: str, zone: str, start: datetime, number: int) -> list[str]:
    timing = Timing(ScheduleEntry("e", "t", cron=cron, timezone=zone))
    ticks = islice(timing.after(milliseconds(start)), number)
    return [f"{datetime.fromtimestamp(tick / 1000, ZoneInfo(zone)):%d %H:%M%z}" for tick in ticks]


def test_a_fixed_time_in_the_gap_runs_at_the_first_moment_after_it_once() -> None:
    start = datetime(2025, 3, 29, 12, tzinfo=UTC)
    assert local("30 2 * * *", "Europe/Berlin", start, 2) == ["30 03:00+0200", "31 02:30+0200"]
    assert local("0,30 2 * * *", "Europe/Berlin", start, 3) == ["30 03:00+0200", "31 02:00+0200", "31 02:30+0200"]


def test_a_fixed_time_that_comes_twice_runs_the_first_time() -> None:
    start = datetime(2025, 10, 25, 12, tzinfo=UTC)
    assert local("30 2 * * *", "Europe/Berlin", start, 2) == ["26 02:30+0200", "27 02:30+0100"]
    second = datetime(2025, 10, 26, 1, 10, tzinfo=UTC)
    assert local("30 2 * * *", "Europe/Berlin", second, 1) == ["27 02:30+0100"]


def test_an_expression_with_a_star_follows_the_clock_on_the_wall() -> None:
    gap = datetime(2025, 3, 30, 0, 30, tzinfo=UTC)
    assert local("*/30 * * * *", "Europe/Berlin", gap, 2) == ["30 03:00+0200", "30 03:30+0200"]
    overlap = datetime(2025, 10, 25, 23, 59, tzinfo=UTC)
    assert local("*/30 2 * * *", "Europe/Berlin", overlap, 4) == [
        "26 02:00+0200", "26 02:30+0200", "26 02:00+0100", "26 02:30+0100",
    ]  # fmt: skip


@pytest.mark.parametrize("day", ["2026-04-05", "2026-10-04"])
def test_no_half_hour_is_left_out_where_clocks_change_by_one(day: str) -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    timing = Timing(ScheduleEntry("e", "t", cron="*/10 5 * * *", timezone=zone.key))
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    ticks = islice(timing.after(milliseconds(midnight)), 6)
    assert [f"{datetime.fromtimestamp(tick / 1000, zone):%F %R}" for tick in ticks] == [
        f"{day} 05:{minute:02}" for minute in range(0, 60, 10)
    ]


def test_intervals_count_real_seconds_from_the_epoch_or_the_start() -> None:
    timing = Timing(ScheduleEntry("e", "t", every=timedelta(minutes=15)))
    assert timing.next_after(1) == 900_000
    assert timing.next_after(900_000) == 1_800_000
    begin = datetime(2025, 1, 1, 0, 0, 7, tzinfo=UTC)
    timing = Timing(ScheduleEntry("e", "t", every=60, start_at=begin, end_at=begin + timedelta(seconds=150)))
    first = milliseconds(begin)
    assert list(timing.after(0)) == [first, first + 60_000, first + 120_000]


def test_jitter_is_the_same_for_all_who_draw_it_and_different_for_each_tick() -> None:
    entry = ScheduleEntry("e", "t", every=60, jitter=10)
    ticks = range(0, 6_000_000, 60_000)
    drawn = [Timing(entry).due_at(tick) - tick for tick in ticks]
    assert drawn == [Timing(entry).due_at(tick) - tick for tick in ticks]
    assert all(0 <= late <= 10_000 for late in drawn)
    assert len(set(drawn)) > 90
