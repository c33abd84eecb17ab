"""Commands to real workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT, Stem, Workers, until

pytestmark = [pytest.mark.redis, pytest.mark.process]


def state(stem: Stem, task_id: str) -> str:
    return str(stem("task", "show", task_id, "--json").json["state"])


def test_three_workers_give_three_replies_and_a_named_one_gives_one(stem: Stem, workers: Workers) -> None:
    for name in "abc":
        workers.start(name)
    replies = stem("worker", "ping", "--json").json
    assert sorted(reply["worker"] for reply in replies) == ["a", "b", "c"]
    assert {reply["status"] for reply in replies} == {"ok"}
    assert all(reply["latency_ms"] < 5000 for reply in replies)
    assert [reply["worker"] for reply in stem("worker", "ping", "--worker", "b", "--json").json] == ["b"]
    assert stem("worker", "ping").out.count(" ok ") == 3
    ran = stem("worker", "ping", "--worker", "b", "--worker", "nobody", "--json")
    assert ran.code == 70
    assert "nobody" in ran.json["error"]["message"]
    assert "a, b, c" in ran.json["error"]["hint"]


def test_a_task_from_the_shell_runs_and_shows_its_result(stem: Stem, workers: Workers) -> None:
    workers.start("w")
    good, bad, strange = (
        stem("enqueue", name, "--args", args, "--json").json["ids"][0]
        for name, args in (("add", '{"x": 40, "y": 2}'), ("fail", "{}"), ("unknown", "{}"))
    )
    until(lambda: (state(stem, good), state(stem, bad)) == ("succeeded", "failed"))
    assert stem("task", "show", good, "--json").json["result"] == 42
    shown = stem("task", "show", bad, "--json").json
    assert shown["error"]["type"] == "ValueError"
    for words in (["task", "show", bad], ["observe", "dlq"], ["observe", "events"], ["observe", "dlq", "--json"]):
        assert not set(stem(*words).out) & set("\x1b\u202e")
    until(lambda: state(stem, strange) == "failed")
    assert stem("task", "show", strange, "--json").json["reason"] == "unregistered-task"
    assert {letter["id"] for letter in stem("observe", "dlq", "--json").json} == {bad, strange}


def test_what_happened_lately_can_be_read_without_arguments(stem: Stem, workers: Workers) -> None:
    workers.start("w")
    stem("enqueue", "add", "--args", '{"x": 424242}')

    def names() -> set[str]:
        return {event["event"] for event in stem("observe", "events", "--json").json}

    until(lambda: {"worker_ready", "task_received", "task_succeeded"} <= names())
    assert "424242" not in stem("observe", "events", "--json").out
    assert "task_succeeded" in stem("observe", "events").out
    assert len(stem("observe", "events", "--limit", "2", "--json").json) == 2


def test_workers_are_scaled_stopped_and_seen(stem: Stem, workers: Workers) -> None:
    process = workers.start("w", "--queue", "a", "--queue", "b", "--concurrency", "2", "--broadcast", "updates")
    assert stem("worker", "stats", "--json").json[0]["snapshot"]["concurrency"] == 2
    assert stem("worker", "scale", "--concurrency", "5", "--json").json[0]["after"] == 5
    until(lambda: stem("observe", "workers", "--json").json[0]["concurrency"] == 5)
    seen = stem("worker", "status", "--json").json[0]
    assert (seen["worker"], seen["alive"], seen["queues"]) == ("w", True, ["a", "b"])
    assert [queue["workers"] for queue in stem("observe", "queues", "--json").json] == [1, 1]
    assert stem("worker", "inspect", "--json").json[0]["revoked"] == []
    assert stem("worker", "shutdown", "--mode", "warm", "--json").json[0]["status"] == "ok"
    assert process.wait(15) == 0
    assert stem("worker", "ping", "--json").json == []


def test_a_running_task_is_terminated_and_a_drain_taken_back(stem: Stem, workers: Workers) -> None:
    process = workers.start("w", "--concurrency", "1")
    task_id = stem("enqueue", "slow", "--json").json["ids"][0]
    until(lambda: state(stem, task_id) == "running")
    assert task_id in stem("worker", "inspect").out
    assert stem("task", "list", "--state", "running").out.rstrip().endswith("  on w")
    assert stem("worker", "drain", "--json").json[0]["state"] == "draining"
    assert stem("worker", "undrain", "--json").json[0]["state"] == "running"
    assert stem("worker", "drain").code == 0
    assert stem("worker", "revoke", task_id, "--terminate", "--json").json["tasks"] == {task_id: "pending"}
    until(lambda: state(stem, task_id) == "cancelled")
    assert process.wait(15) == 0


def test_a_terminate_signal_drains_the_worker_and_it_exits_well(workers: Workers) -> None:
    process = workers.start("w")
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


def test_events_are_followed_line_by_line(stem: Stem, workers: Workers) -> None:
    workers.start("w")
    follow = [sys.executable, "-m", "stem_core", "observe", "events", "--follow", "--json"]
    process = subprocess.Popen(follow, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    names = set()
    assert json.loads(process.stdout.readline())["event"] == "worker_heartbeat"
    task_id = stem("enqueue", "add", "--args", '{"x": 1}', "--json").json["ids"][0]
    while "task_succeeded" not in names:
        event = json.loads(process.stdout.readline())
        if event.get("id") == task_id:
            names.add(event["event"])
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 130
    process.stdout.close()
    assert {"task_received", "task_prerun", "task_succeeded"} <= names


def test_flags_beat_the_apps_own_settings(stem: Stem, workers: Workers) -> None:
    workers.start("w", "--namespace", f"{os.environ['STEM_WORKER_NAMESPACE']}-other")
    assert stem("worker", "ping", "--json").json == []
    other = f"{os.environ['STEM_WORKER_NAMESPACE']}-other"
    assert len(stem("worker", "ping", "--json", "--namespace", other).json) == 1


def test_a_rate_limit_is_set_and_taken_back_from_the_shell(stem: Stem, workers: Workers) -> None:
    workers.start("w")
    said = [stem("worker", "rate-limit", "add", rate, "--json").json[0] for rate in ("100/m", "none", "default")]
    assert [(reply["status"], reply["rate"]) for reply in said] == [
        ("ok", "100/m"), ("ok", "none"), ("ok", "default"),
    ]  # fmt: skip
    wrong = stem("worker", "rate-limit", "add", "often", "--json")
    assert wrong.code != 0
    assert "often" in wrong.json["error"]["message"]
