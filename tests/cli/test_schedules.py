"""`stem schedule …` and `stem observe schedules`, against a real server, in the shapes that scripts rely on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stem_tui.resources import sample_configs_folder
from tests.cli.conftest import ROOT, Stem, Workers, one_line, until

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("cluster")]

SAMPLE = str(sample_configs_folder() / "schedule.yaml")
ENTRY = [
    "id", "task", "queue", "spec", "cron", "every_s", "timezone", "args", "priority", "expires_s", "jitter_s", "missed",
    "grace_s", "start_at", "end_at", "enabled", "origin", "next_run", "late_s", "last_run", "last_id", "runs",
    "drift_s", "failures", "error",
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with two entries."""
    path = tmp_path / "schedule.yaml"
    path.write_text("schedules:\n  a: {task: add, every: 1h, args: {x: 1}}\n  b: {task: add, cron: '0 3 * * *'}\n")
    return path


def test_the_sample_is_applied_listed_and_shown(stem: Stem) -> None:
    assert stem("schedule", "list").out.startswith("no schedules in namespace")
    changes = stem("schedule", "apply", "-f", SAMPLE, "--json").json
    assert changes["applied"] is True
    assert [(each["id"], each["change"]) for each in changes["changes"]] == [
        ("nightly-report", "added"), ("heartbeat", "added"), ("newsletter", "added"),
    ]  # fmt: skip
    listed = stem("schedule", "list", "--json").json
    assert [each["id"] for each in listed] == ["heartbeat", "newsletter", "nightly-report"]
    assert list(listed[0]) == ENTRY
    out = stem("schedule", "list").out
    heads = ["ID", "TASK", "QUEUE", "SPEC", "NEXT", "RUN", "LAST", "RUN", "JITTER", "ENABLED"]
    assert out.splitlines()[0].split() == heads
    assert "0 3 * * * Europe/Berlin" in out
    shown = stem("schedule", "show", "nightly-report", "--json").json
    assert shown == listed[2]
    assert (shown["queue"], shown["args"], shown["runs"]) == ("reports", {"report_id": "nightly"}, 0)
    assert shown["next_run"] % 3600 == 0
    assert "Europe/Berlin" in stem("schedule", "show", "nightly-report").out


def test_applying_shows_what_differs_and_a_trial_changes_nothing(stem: Stem, file: Path) -> None:
    stem("schedule", "apply", "-f", str(file), "--yes")
    file.write_text("schedules:\n  a: {task: add, every: 2h, args: {x: 1}}\n  c: {task: add, every: 5s}\n")
    before = stem("schedule", "list", "--json").json
    trial = stem("schedule", "apply", "-f", str(file), "--dry-run", "--prune", "--json").json
    assert trial == {
        "applied": False,
        "changes": [
            {"id": "a", "change": "changed", "fields": {"every": [3600.0, 7200.0]}},
            {"id": "c", "change": "added", "fields": {}},
            {"id": "b", "change": "removed", "fields": {}},
        ],
    }
    assert "every: 3600.0 -> 7200.0" in stem("schedule", "apply", "-f", str(file), "--dry-run").out
    assert [each["spec"] for each in stem("schedule", "list", "--json").json] == [each["spec"] for each in before]
    ran = stem("schedule", "apply", "-f", str(file))
    assert (ran.code, "--yes" in ran.err) == (64, True)
    assert stem("schedule", "apply", "-f", str(file), "--prune", "--yes").out.splitlines() == [
        "~ a (changed)", "    every: 3600.0 -> 7200.0", "+ c (added)", "- b (removed)",
    ]  # fmt: skip
    assert [each["id"] for each in stem("schedule", "list", "--json").json] == ["a", "c"]
    assert stem("schedule", "apply", "-f", str(file)).out.splitlines() == ["= a (same)", "= c (same)"]


def test_secret_arguments_are_hidden_unless_they_are_asked_for(stem: Stem, tmp_path: Path) -> None:
    path = tmp_path / "schedule.yaml"
    path.write_text("schedules: {a: {task: add, every: 1h, args: {to: ann, password: canary-1}}}")
    stem("schedule", "apply", "-f", str(path), "--yes")
    path.write_text("schedules: {a: {task: add, every: 1h, args: {to: bob, password: canary-2}}}")
    apply = ("schedule", "apply", "-f", str(path), "--dry-run")
    for words in (("schedule", "show", "a"), ("schedule", "list"), ("observe", "schedules"), apply):
        for ran in (stem(*words), stem(*words, "--json")):
            assert ran.code == 0
            assert "canary" not in ran.out + ran.err, words
    assert "'to': 'ann', 'password': '***'" in stem(*apply).out
    assert stem("schedule", "show", "a", "--reveal", "--json").json["args"] == {"to": "ann", "password": "canary-1"}
    assert "canary-1" in stem("schedule", "show", "a", "--reveal").out


def test_an_entry_is_switched_off_and_stays_so_when_its_file_is_applied_again(stem: Stem, file: Path) -> None:
    stem("schedule", "apply", "-f", str(file), "--yes")
    off = stem("schedule", "disable", "a", "--json").json
    assert [(each["id"], each["enabled"], each["next_run"]) for each in off] == [("a", False, None)]
    stem("schedule", "apply", "-f", str(file), "--yes")
    assert [each["enabled"] for each in stem("schedule", "list", "--json").json] == [False, True]
    assert "a is on, next run" in stem("schedule", "enable", "a").out
    assert stem("schedule", "delete", "a", "--json").json == {"deleted": ["a"]}
    assert [each["id"] for each in stem("schedule", "list", "--json").json] == ["b"]


def test_the_next_ticks_of_an_entry_or_of_a_mere_expression_are_told(stem: Stem, file: Path) -> None:
    stem("schedule", "apply", "-f", str(file), "--yes")
    said = stem("schedule", "next", "a", "--count", "3", "--json").json
    assert (said["id"], said["spec"], said["timezone"]) == ("a", "every 1h00m", "UTC")
    assert [late - said["ticks"][0] for late in said["ticks"]] == [0, 3600, 7200]
    words = ["next", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--count", "2"]
    lines = stem("schedule", *words).out.splitlines()
    assert [line[10:16] for line in lines] == [" 02:30"] * 2


@pytest.mark.process
def test_a_scheduler_process_serves_a_file_and_ends_well(stem: Stem, tmp_path: Path) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text("schedules:\n  quick: {task: add, every: 200ms, queue: quick, args: {x: 1}}\n")
    command = [sys.executable, "-m", "stem_core", "schedule", "run", "-f", str(file), "--json"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["namespace"] == os.environ["STEM_WORKER_NAMESPACE"]
    until(lambda: stem("observe", "queues", "--queue", "quick", "--json").json[0]["ready"] >= 3)
    seen = stem("observe", "schedules", "--json").json
    assert (seen["overdue"], [each["id"] for each in seen["schedules"]]) == (0, ["quick"])
    assert 0 <= seen["max_drift_s"] < 5
    assert seen["schedules"][0]["last_id"].startswith("sched-quick-")
    out = stem("observe", "schedules").out
    assert out.startswith("1 schedule, ")
    assert out.splitlines()[1].split()[-3:] == ["DRIFT", "LAST", "ERROR"]
    events = {event["event"] for event in stem("observe", "events", "--json").json}
    assert {"schedule_entry_due", "schedule_entry_dispatched"} <= events
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    process.stdout.close()


@pytest.mark.process
def test_a_worker_serves_schedules_too_if_it_is_told_to(stem: Stem, workers: Workers, file: Path) -> None:
    file.write_text("schedules:\n  quick: {task: add, every: 200ms, args: {x: 40, y: 2}}\n")
    stem("schedule", "apply", "-f", str(file), "--yes")
    process = workers.start("w", "--schedule")
    until(lambda: (stem("schedule", "show", "quick", "--json").json["last_id"] or "").startswith("sched-quick-"))
    task_id = stem("schedule", "show", "quick", "--json").json["last_id"]
    until(lambda: stem("task", "show", task_id, "--json").json["state"] == "succeeded")
    assert stem("task", "show", task_id, "--json").json["result"] == 42
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["show", "nobody"], 70, "there is no schedule 'nobody'"),
        (["delete", "nobody"], 70, "there is no schedule 'nobody'"),
        (["enable", "nobody"], 70, "there are none yet"),
        (["next"], 64, "name an entry"),
        (["next", "a", "--cron", "* * * * *"], 64, "name an entry"),
        (["next", "--cron", "61 * * * *"], 64, "Bad minute"),
        (["next", "--cron", "* * * * *", "--timezone", "Mars/Base"], 64, "Mars/Base"),
        (["apply"], 64, "--file"),
        (["apply", "-f", "missing.yaml"], 64, "missing.yaml"),
    ],
)
def test_what_is_wrong_is_one_line(stem: Stem, words: list[str], code: int, says: str) -> None:
    ran = stem("schedule", *words, "--json")
    assert ran.code == code
    assert one_line(ran.err)
    assert says in ran.err
    assert set(ran.json["error"]) == {"message", "hint"}
