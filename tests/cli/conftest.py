"""Running `stem` inside the test's process, and workers beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stem_core.cli.main import run

ROOT = Path(__file__).parents[2]
_DEADLINE = 40.0

APP = """
import time
from stem_core import Stem, TaskContext
stem = Stem.from_environment()

@stem.task("add")
def add(x: int, y: int = 0) -> int:
    return x + y

@stem.task("fail")
def fail() -> None:
    raise ValueError("\\x1b[2J[bold]no\\u202e")

@stem.task("slow")
def slow(context: TaskContext) -> None:
    for step in range(2000):
        context.progress(step / 2000)
        time.sleep(0.01)
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self
        return json.loads(lines[0])


Stem = Callable[..., Ran]


@pytest.fixture
def stem(capsys: pytest.CaptureFixture[str]) -> Stem:
    """Run `stem` with these words."""

    def call(*words: str) -> Ran:
        capsys.readouterr()
        codes: list[int] = []
        # In a thread of its own, since asyncio.run takes away the event loop that pytest-asyncio keeps in this one; a
        # daemon, so that a command that does not end fails its test and not the whole run.
        thread = threading.Thread(target=lambda: codes.append(run(words)), daemon=True)
        thread.start()
        thread.join(_DEADLINE)
        assert not thread.is_alive(), f"stem {' '.join(words)} does not end"
        captured = capsys.readouterr()
        return Ran(codes[0], captured.out, captured.err)

    return call


@pytest.fixture
def cluster(redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the environment to a namespace of this test's own, and return the namespace."""
    monkeypatch.setenv("STEM_BROKER_URL", redis_url)
    monkeypatch.setenv("STEM_WORKER_NAMESPACE", namespace)
    monkeypatch.setenv("STEM_HEARTBEAT_INTERVAL", "200ms")
    return namespace


class Workers:
    """Real `stem worker start` processes."""

    def __init__(self, directory: Path) -> None:
        (directory / "work_app.py").write_text(APP)
        self._directory = directory
        self.started: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str, *words: str) -> subprocess.Popen[str]:
        """Start a worker and return once it is ready."""
        command = [sys.executable, "-m", "stem_core", "worker", "start", "--app", "work_app:stem", "--worker-id", name]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*command, "--json", *words],
            cwd=self._directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.started[name] = process
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["worker"] == name
        return process

    def end(self) -> None:
        """End all that still run."""
        for process in self.started.values():
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def workers(cluster: str, tmp_path: Path) -> Iterator[Workers]:
    """Start workers in the test's namespace."""
    assert os.environ["STEM_WORKER_NAMESPACE"] == cluster
    workers = Workers(tmp_path)
    yield workers
    workers.end()


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def one_line(text: str) -> bool:
    """Return whether a text is one line that nobody's terminal acts on."""
    return re.fullmatch(r"stem: [^\x00-\x1f\x7f-\x9f\u202e]+\n", text) is not None
