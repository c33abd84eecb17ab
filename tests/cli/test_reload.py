"""`stem worker start --reload`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, Stem, until

pytestmark = [pytest.mark.process, pytest.mark.redis, pytest.mark.timeout(120)]

APP = """
import time
from stem_core import Stem
from {package}.answer import ANSWER
stem = Stem.from_environment()

@stem.task("answer")
def answer(seconds: float = 0.0) -> str:
    time.sleep(seconds)
    return ANSWER
"""


class Reloading:
    """A worker under `--reload`, and its app in a package."""

    def __init__(self, directory: Path, package: str) -> None:
        self.package = directory / package
        self.package.mkdir()
        (self.package / "__init__.py").write_text("")
        (self.package / "tasks.py").write_text(APP.format(package=package))
        self.write("ANSWER = 'one'")
        self._log = directory / "log"
        with self._log.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stem_core", "worker", "start", "--app", f"{package}.tasks:stem", "--json",
                 "--reload", "--worker-id", "dev"],
                cwd=directory, env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE, stderr=stderr, text=True,
            )  # fmt: skip

    @property
    def log(self) -> str:
        return self._log.read_text()

    def write(self, text: str) -> None:
        (self.package / "answer.py").write_text(text + "\n")

    def document(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        document: dict[str, Any] = json.loads(self.process.stdout.readline())
        return document

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def reloading(cluster: str, tmp_path: Path) -> Iterator[Reloading]:
    reloading = Reloading(tmp_path, f"reloaded_{cluster}")
    yield reloading
    reloading.end()


def answered(stem: Stem, **args: float) -> str:
    task_id = stem("enqueue", "answer", "--args", json.dumps(args), "--json").json["ids"][0]
    return task_id_result(stem, task_id)


def task_id_result(stem: Stem, task_id: str) -> str:
    until(lambda: stem("task", "show", task_id, "--json").json["state"] == "succeeded")
    return str(stem("task", "show", task_id, "--json").json["result"])


def test_a_change_starts_the_worker_again_once_it_has_finished_what_it_runs(stem: Stem, reloading: Reloading) -> None:
    first = reloading.document()
    assert answered(stem) == "one"
    slow = stem("enqueue", "answer", "--args", '{"seconds": 1.5}', "--json").json["ids"][0]
    until(lambda: stem("task", "show", slow, "--json").json["state"] == "running")
    reloading.write("ANSWER = 'two'")
    second = reloading.document()
    assert (first["worker"], second["worker"]) == ("dev", "dev")
    assert first["boot"] != second["boot"]
    assert task_id_result(stem, slow) == "one"
    assert answered(stem) == "two"
    assert "answer.py changed: the worker is started again" in reloading.log
    reloading.process.send_signal(signal.SIGTERM)
    assert reloading.process.wait(20) == 0


def test_a_syntax_error_is_one_line_and_the_next_change_mends_it(stem: Stem, reloading: Reloading) -> None:
    reloading.document()
    reloading.write("ANSWER = 'two")
    error = reloading.document()["error"]
    assert "SyntaxError" in error["message"]
    until(lambda: "waiting for a change" in reloading.log)
    assert "Traceback" not in reloading.log
    assert reloading.log.count("SyntaxError") == 1
    reloading.write("ANSWER = 'three'")
    assert reloading.document()["worker"] == "dev"
    assert answered(stem) == "three"
    reloading.process.send_signal(signal.SIGINT)
    assert reloading.process.wait(20) == 0


def test_it_can_be_stopped_while_it_waits_for_a_change(reloading: Reloading) -> None:
    reloading.document()
    reloading.write("ANSWER =")
    until(lambda: "waiting for a change" in reloading.log)
    reloading.process.send_signal(signal.SIGTERM)
    assert reloading.process.wait(20) == 0


def test_a_worker_that_is_shut_down_by_command_stays_so(stem: Stem, reloading: Reloading) -> None:
    reloading.document()
    assert stem("worker", "shutdown", "--worker", "dev", "--json").code == 0
    assert reloading.process.wait(20) == 0


def test_the_worker_ends_when_its_reloader_is_killed(stem: Stem, reloading: Reloading) -> None:
    reloading.document()
    reloading.process.kill()
    until(lambda: stem("worker", "ping", "--timeout", "1s", "--json").json == [])


def test_several_processes_are_refused(stem: Stem) -> None:
    ran = stem("worker", "start", "--app", "no_such:stem", "--reload", "--processes", "2", "--log-level", "error")
    assert ran.code == 64
    assert "--reload and --processes exclude each other" in ran.err
