"""What goes wrong is one clear line, an exit code, and with --json a document; never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stem_core.errors import StemError
from tests.cli.conftest import ROOT, Stem, one_line

URL = "redis://127.0.0.1:1"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["observe", "queues", "--broker", "localhost"], "--broker is 'localhost'"),
        (["observe", "queues", "--broker", "redis+cluster://localhost/1"], "--broker: redis+cluster"),
        (["observe", "queues", "--broker", "ftp://localhost"], "redis://"),
        (["observe", "queues", "--broker", "memory://"], "one process"),
        (["observe", "queues", "--broker", URL, "--namespace", "a b"], "--namespace name 'a b'"),
        (["observe", "queue"], "queues"),
        (["worker", "pink"], "ping"),
        (["worker", "ping", "--timeout", "5x", "--broker", URL], "such as 5s"),
        (["worker", "revoke", "--broker", URL], "ID"),
        (["worker", "pause", "--broker", URL], "--queue"),
        (["worker", "shutdown", "--mode", "cold"], "warm"),
        (["enqueue"], "NAME"),
        (["enqueue", "a", "--args", "{'a': 1}", "--broker", URL], "line 1, column 2"),
        (["enqueue", "a", "--args", "[1]", "--broker", URL], "array"),
        (["enqueue", "a", "--args", '{"a": NaN}', "--broker", URL], "NaN"),
        (["enqueue", "a", "--count", "0", "--broker", URL], "--count"),
        (["enqueue", "a", "--priority", "10", "--broker", URL], "--priority"),
        (["enqueue", "a", "--queue", "a b", "--broker", URL], "queue name 'a b'"),
        (["enqueue", "a", "--queue", "a", "--broadcast", "b", "--broker", URL], "exclude"),
        (["worker", "start"], "--app"),
        (["worker", "start", "--app", "nope"], "package.module:attribute"),
        (["worker", "start", "--app", "no_such_module:stem"], "no module 'no_such_module'"),
        (["worker", "start", "--app", "json.nope:stem"], "no module 'json.nope'"),
        (["worker", "start", "--app", "json:stem"], "has no 'stem'"),
        (["worker", "start", "--app", "json:loads"], "is a function, not a Stem"),
        (["worker", "start", "--app", "examples.email:stm"], "examples.email:stem"),
        (["worker", "start", "--app", "examples.email:stem", "--autoscale", "3"], "MIN:MAX"),
        (["worker", "start", "--app", "examples.in_memory:nope"], "nope"),
        (["worker", "start", "--app", "examples.control:stem", "--broker", "memory://"], "one process"),
    ],
)
def test_a_wrong_command_is_64_and_one_line(stem: Stem, words: list[str], says: str) -> None:
    ran = stem(*words, "--json")
    assert ran.code == 64, ran
    assert one_line(ran.err), ran.err
    assert says in ran.err
    assert set(ran.json["error"]) == {"message", "hint"}
    assert stem(*words).out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["observe", "queues"],
        ["worker", "ping"],
        ["enqueue", "a"],
        ["task", "show", "x"],
        ["health"],
        ["worker", "start", "--app", "examples.email:stem"],
    ],
)
def test_a_broker_that_is_down_is_70_and_one_line(stem: Stem, words: list[str]) -> None:
    ran = stem(*words, "--broker", "redis://:canary@127.0.0.1:1", "--json")
    assert ran.code == 70
    assert one_line(ran.err)
    assert "127.0.0.1:1" in ran.json["error"]["message"]
    assert "canary" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [("STEM_BROKER_URL", "nonsense"), ("STEM_CONTROL_TIMEOUT", "soon"), ("STEM_SIGNING_KEYS", "x")],
)
def test_a_wrong_variable_is_named(stem: Stem, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    ran = stem("config")
    assert ran.code == 64
    assert variable in ran.err


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nothing_like_it", "No module named 'nothing_like_it' ("),
        ("1 / 0", "ZeroDivisionError: division by zero ("),
        ("def", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
    ],
)
def test_an_app_that_fails_shows_its_own_error_and_line(
    stem: Stem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, says: str
) -> None:
    name = f"broken_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(f"\n{code}\n")
    monkeypatch.chdir(tmp_path)
    ran = stem("worker", "start", "--app", f"{name}:stem", "--broker", URL)
    assert ran.code == 70
    assert one_line(ran.err)
    assert says in ran.err
    assert f"{name}.py:2" in ran.err


def test_an_app_without_tasks_is_refused(stem: Stem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty_app.py").write_text("from stem_core import Stem\nstem = Stem.from_environment()\n")
    monkeypatch.chdir(tmp_path)
    ran = stem("worker", "start", "--app", "empty_app:stem", "--broker", URL)
    assert ran.code == 64
    assert "no tasks" in ran.err


def test_even_a_fault_of_our_own_is_one_line(stem: Stem, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("\x1b[2J")

    monkeypatch.setattr("stem_core.config.StemConfig.from_environment", broken)
    ran = stem("config")
    assert ran.code == 70
    assert one_line(ran.err)
    assert "test_errors.py:" in ran.err


def test_an_error_that_has_no_hint_has_null(stem: Stem, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise StemError("odd")

    monkeypatch.setattr("stem_core.config.StemConfig.from_environment", broken)
    assert stem("config", "--json").json == {"error": {"message": "odd", "hint": None}}


def test_help_is_no_error(stem: Stem) -> None:
    assert stem("--help").code == 0
    assert "revoke" in stem("worker", "--help").out
    assert stem("--version").out == "stem, version 0.2.0\n"
    assert stem().code == 64


@pytest.mark.redis
@pytest.mark.process
@pytest.mark.usefixtures("cluster")
def test_an_interrupt_is_130_without_a_word() -> None:
    command = [sys.executable, "-m", "stem_core", "observe", "queues", "--follow", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stdout.readline() == b"[]\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=15)
    assert (process.returncode, err) == (130, b"")


@pytest.mark.redis
@pytest.mark.process
@pytest.mark.usefixtures("cluster")
def test_a_reader_that_leaves_is_no_error() -> None:
    command = [sys.executable, "-m", "stem_core", "observe", "queues", "--follow", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=15) == 0
    assert process.stderr.read() == b""
    process.stderr.close()
