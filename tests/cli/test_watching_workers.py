"""What makes a worker visible from outside: its metrics and its log lines."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from stem_core.cli.processes import Command
from tests.cli.conftest import APP, ROOT, Stem, until

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(120)]

LOGGING_APP = (
    APP
    + """
import logging

@stem.task("speak")
async def speak() -> None:
    logging.getLogger("app").info("hello", extra={"order": 7})

@stem.task("speak_in_child", execution="process")
def speak_in_child() -> None:
    logging.getLogger("app").info("hello from a child")
"""
)


def start(directory: Path, *words: str) -> tuple[subprocess.Popen[str], dict[str, str], Path]:
    (directory / "watched_app.py").write_text(LOGGING_APP)
    log = directory / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "stem_core", "worker", "start", "--app", "watched_app:stem", "--json", *words],
            cwd=directory, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=stderr, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline()), log


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    assert process.wait(20) == 0
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.usefixtures("cluster")
def test_a_worker_serves_its_metrics(stem: Stem, tmp_path: Path) -> None:
    process, ready, _ = start(tmp_path, "--metrics-port", "0")
    try:
        assert ready["metrics"].startswith("http://127.0.0.1:")
        assert stem("enqueue", "add", "--args", '{"x": 1}', "--count", "3", "--json").code == 0

        def counted() -> bool:
            with urllib.request.urlopen(ready["metrics"], timeout=5) as answer:
                return 'stem_tasks_total{state="succeeded",task="add"} 3.0' in answer.read().decode()

        until(counted)
    finally:
        end(process)
    port = int(ready["metrics"].split(":")[2].split("/")[0])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.usefixtures("cluster")
def test_a_metrics_port_that_is_taken_is_one_line_and_no_worker(
    stem: Stem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken_port_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = stem(
            "worker", "start", "--app", "taken_port_app:stem", "--metrics-port", str(port), "--log-level", "error"
        )
    assert ran.code == 64
    assert ran.err.splitlines()[-1].startswith(f"stem: metrics cannot be served at 127.0.0.1:{port}: Address already")


@pytest.mark.usefixtures("cluster")
def test_json_logs_are_one_object_a_line_that_names_worker_and_task_in_children_too(stem: Stem, tmp_path: Path) -> None:
    process, _, log = start(tmp_path, "--log-format", "json", "--worker-id", "w1")
    try:
        for name in ("speak", "speak_in_child"):
            assert stem("enqueue", name, "--json").code == 0
        until(lambda: log.read_text().count('"task_id"') == 2)
    finally:
        end(process)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["worker"] for line in lines} == {"w1"}
    spoken = {line["message"]: line for line in lines if line["logger"] == "app"}
    assert (spoken["hello"]["task"], spoken["hello"]["order"]) == ("speak", 7)
    assert spoken["hello from a child"]["task"] == "speak_in_child"
    assert any(line["message"].startswith("ready: w1") for line in lines)


def test_several_processes_serve_their_metrics_at_ports_of_their_own(
    monkeypatch: pytest.MonkeyPatch, stem: Stem, tmp_path: Path
) -> None:
    commands: list[list[str]] = []

    class Noting:
        def __init__(self, started: list[Command], *, as_json: bool) -> None:
            commands.extend(words for words, _ in started)

        async def run(self) -> int:
            return 0

    (tmp_path / "ports_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stem_core.cli.start.Supervisor", Noting)
    words = ("worker", "start", "--app", "ports_app:stem", "--processes", "3", "--log-level", "error")
    assert stem(*words, "--metrics-port", "9808", "--broker", "redis://127.0.0.1:1").code == 0
    assert [each[each.index("--metrics-port") + 1] for each in commands] == ["9808", "9809", "9810"]
    commands.clear()
    assert stem(*words, "--broker", "redis://127.0.0.1:1").code == 0
    assert not any("--metrics-port" in each for each in commands)
