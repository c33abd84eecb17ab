"""What an entry may say, in code and in a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stem_core import ScheduleEntry, Stem, load_schedules
from stem_core.errors import ConfigurationError, UsageError
from stem_core.schedule.entry import ScheduleError
from stem_core.stores.memory import InMemoryBroker
from stem_tui.resources import sample_configs_folder

MOMENT = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "cron"),
        ({"cron": "* * * * *", "every": 5}, "cron"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "* * * * * * *"}, "cron"),
        ({"cron": "60 * * * *"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"cron": "L * * * *"}, "cron"),
        ({"cron": b"* * * * *"}, "cron"),
        ({"cron": 5}, "cron"),
        ({"cron": "0," * 200 + "0 * * * *"}, "cron"),
        ({"every": 10**400}, "every"),
        ({"every": 1e12}, "every"),
        ({"every": 5, "grace": 1e300}, "grace"),
        ({"every": 5, "expires": float("inf")}, "expires"),
        ({"cron": "* * * * *", "jitter": timedelta.max}, "jitter"),
        ({"every": 5, "timezone": "localtime"}, "timezone"),
        ({"every": 5, "timezone": "Europe"}, "timezone"),
        ({"every": 5, "timezone": "\x00"}, "timezone"),
        ({"every": 5, "timezone": ["UTC"]}, "timezone"),
        ({"every": 5, "start_at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))}, "start_at"),
        ({"every": 5, "end_at": datetime.min.replace(tzinfo=timezone(timedelta(hours=12)))}, "end_at"),
        ({"every": 0.01}, "every"),
        ({"every": "5s"}, "every"),
        ({"every": True}, "every"),
        ({"every": float("nan")}, "every"),
        ({"every": 5, "jitter": 6}, "jitter"),
        ({"every": 5, "jitter": -1}, "jitter"),
        ({"every": 5, "timezone": "Mars/Base"}, "timezone"),
        ({"every": 5, "timezone": "../etc/passwd"}, "timezone"),
        ({"every": 5, "timezone": ""}, "timezone"),
        ({"every": 5, "queue": "a b"}, "queue"),
        ({"every": 5, "priority": 10}, "priority"),
        ({"every": 5, "missed": "twice"}, "missed"),
        ({"every": 5, "grace": -1}, "grace"),
        ({"every": 5, "expires": 0}, "expires"),
        ({"every": 5, "args": [1]}, "args"),
        ({"every": 5, "args": {"a": object()}}, "args"),
        ({"every": 5, "args": {1: 1}}, "args"),
        ({"every": 5, "start_at": datetime(2025, 1, 1)}, "start_at"),  # noqa: DTZ001 - what is refused
        ({"every": 5, "start_at": MOMENT, "end_at": MOMENT - timedelta(1)}, "end_at"),
        ({"every": 5, "name": "a b"}, "name"),
        ({"every": 5, "name": ""}, "name"),
        ({"every": 5, "name": "a" * 65}, "name"),
        ({"every": 5, "task": ""}, "task"),
    ],
)
def test_an_entry_that_cannot_be_names_itself_and_the_field(options: dict[str, Any], field: str) -> None:
    name, task = options.pop("name", "nightly"), options.pop("task", "t")
    with pytest.raises(ScheduleError, match=f"^schedule '{name}': {field} ") as caught:
        ScheduleEntry(name, task, **options)
    assert caught.value.field == field
    assert caught.value.hint


def test_an_entry_comes_back_from_its_document_as_it_was() -> None:
    entry = ScheduleEntry(
        "e", "t", cron="0 3 * * *", args={"a": [1, {"b": None}]}, timezone="Europe/Berlin", start_at=MOMENT, jitter=3,
        expires=timedelta(minutes=1), missed="all",
    )  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(entry), type=ScheduleEntry) == entry
    assert entry.spec == "0 3 * * * Europe/Berlin"
    assert ScheduleEntry("e", "t", every=0.25).spec == "every 250ms"


def test_blanks_in_a_cron_expression_mean_nothing() -> None:
    assert ScheduleEntry("e", "t", cron=" 0  3 * *\t* \n").cron == "0 3 * * *"


def test_a_program_defines_entries_for_tasks_and_names_each_once() -> None:
    stem = Stem(broker=InMemoryBroker())

    @stem.task("report.generate")
    def generate(report_id: str) -> str:
        return report_id

    entry = stem.schedule("nightly", task=generate, cron="0 3 * * *", args={"report_id": "nightly"})
    assert (entry.task, stem.schedules) == ("report.generate", {"nightly": entry})
    with pytest.raises(UsageError, match="'nightly' is defined already"):
        stem.schedule("nightly", task="other", every=5)


def test_the_sample_is_a_good_file() -> None:
    entries = {entry.name: entry for entry in load_schedules(sample_configs_folder() / "schedule.yaml")}
    assert entries["nightly-report"].grace == 900
    assert entries["heartbeat"].every == 30
    assert (entries["newsletter"].enabled, entries["newsletter"].start_at) == (False, MOMENT)


@pytest.mark.parametrize(
    ("line", "place", "right"),
    [
        ("{task: t, crn: x}", "schedules.a.crn", "did you mean cron?"),
        ("{every: 5s}", "schedules.a ", "task"),
        ("{task: t}", "schedules.a ", "give one of them"),
        ("{task: t, every: 5x}", "schedules.a.every", "30s, 5m or 1h"),
        ("{task: t, every: 1ms}", "schedules.a.every", "0.1 s or more"),
        (f"{{task: t, every: {'9' * 400}}}", "schedules.a.every", "less than a century"),
        (f"{{task: t, every: {'9' * 400}h}}", "schedules.a.every", "30s, 5m or 1h"),
        ("{task: t, every: .inf}", "schedules.a.every", "less than a century"),
        ("{task: t, cron: '99 * * * *'}", "schedules.a.cron", "minute, hour"),
        ("{task: t, every: 5, timezone: Mars/Base}", "schedules.a.timezone", "Europe/Berlin"),
        ("{task: t, every: 5, args: [1]}", "schedules.a.args", "mapping"),
        ("{task: t, every: 5, priority: 10}", "schedules.a.priority", "0 to 9"),
        ("{task: t, every: 5, enabled: 1}", "schedules.a.enabled", "true or false"),
        ("{task: t, every: 5, missed: never}", "schedules.a.missed", "skip, once or all"),
        ("{task: t, every: 5, start_at: 2025-01-01}", "schedules.a.start_at", "timezone"),
        ("{task: t, every: 5, start_at: soon}", "schedules.a.start_at", "timezone"),
        ("{task: 5, every: 5}", "schedules.a.task", "text"),
    ],
)
def test_a_wrong_file_names_line_and_key_and_what_is_right(tmp_path: Path, line: str, place: str, right: str) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text(f"schedules:\n  good: {{task: t, every: 5s}}\n  a: {line}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_schedules(file)
    assert place in str(caught.value)
    assert "schedule.yaml, line 3," in str(caught.value)
    assert right in str(caught.value)


def test_a_name_with_a_dot_is_not_taken_for_one_inside_another(tmp_path: Path) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text("schedules: {a: {task: t, every: 5, args: {user.name: 1, user: {name: 2}}}}")
    assert load_schedules(file)[0].args == {"user.name": 1, "user": {"name": 2}}


def test_a_file_with_an_entry_twice_or_a_bad_name_is_refused_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text("schedules:\n  a: {task: t, every: 5}\n  a: {task: t, every: 6}\n")
    with pytest.raises(ConfigurationError, match="lines 2 and 3"):
        load_schedules(file)
    file.write_text("schedules:\n  'a b': {task: t, every: 5}\n")
    with pytest.raises(ConfigurationError, match="line 2, is 'a b'"):
        load_schedules(file)
    file.write_text("# nothing yet\n")
    assert load_schedules(file) == []
