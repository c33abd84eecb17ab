"""Completion of queues, workers and tasks by what the store knows, and in the shells themselves."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stem_core.envelope import Envelope, new_task_id, seal
from stem_core.snapshot import WorkerSnapshot, encode_snapshot
from stem_core.stores import connect_broker
from tests.cli.conftest import ROOT
from tests.cli.test_completion import complete

_DEADLINE = 30.0
PATIENT = "from stem_core.cli import known; known.PATIENCE = 20.0; "
"""Lets a completion wait for its store although the machine is busy; who presses a key waits for 0.3 s."""


@pytest.fixture
async def store(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store in which a task waits in a queue, and a worker lives."""
    monkeypatch.setenv("STEM_BROKER_URL", sqlite_url)
    broker = await connect_broker(sqlite_url)
    await broker.publish([seal(Envelope(id=new_task_id(), name="report.make", queue="reports"))])
    now = await broker.time()
    snapshot = WorkerSnapshot(worker="mail-1", boot="b", state="running", at=now, interval=60.0, queues=("mails",))
    await broker.announce("mail-1", encode_snapshot(snapshot), 60.0)
    await broker.close()
    return sqlite_url


def completed(*words: str, before: str = PATIENT) -> list[str]:
    """Return what bash would be offered."""
    return [line.partition(",")[2] for line in complete("bash", *words, before=before).splitlines() if line]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("observe queues --queue r", ["reports"]),
        ("dlq purge --queue ", ["mails", "reports"]),
        ("worker pause --queue mails,re", ["mails,reports"]),
        ("enqueue a --queue m", ["mails"]),
        ("worker drain --worker ", ["mail-1"]),
        ("worker healthcheck --worker m", ["mail-1"]),
        ("enqueue rep", ["report.make"]),
        ("worker rate-limit ", ["report.make"]),
        ("task list --task rep", ["report.make"]),
        ("worker drain --worker nobody", []),
        ("enqueue a --queue a,m", []),
    ],
)
def test_names_are_those_that_the_store_knows(words: str, offered: list[str]) -> None:
    assert completed(*words.split(" ")) == offered


def test_the_store_is_the_one_that_the_command_line_names(store: str, tmp_path: Path) -> None:
    other = ("--broker", f"sqlite://{tmp_path}/other.db")
    assert completed("observe", "queues", *other, "--queue", "r") == []
    assert completed("observe", "queues", "--broker", store, "--queue", "r") == ["reports"]
    assert completed("observe", "queues", "--namespace", "other", "--queue", "r") == []


def test_a_store_that_is_away_or_silent_or_wrong_offers_nothing_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # accepts, and never answers
        port = mute.getsockname()[1]
        for url in (f"redis://127.0.0.1:{port}", "redis://127.0.0.1:1", "nonsense", "memory://"):
            monkeypatch.setenv("STEM_BROKER_URL", url)
            assert completed("observe", "queues", "--queue", "", before="") == []


@contextmanager
def shell(tmp_path: Path, *command: str) -> Iterator[int]:
    """Start a shell that finds `stem`, and give the terminal that it reads from."""
    program = tmp_path / "stem"
    code = f"import sys; sys.argv[0] = 'stem'; {PATIENT}from stem_core.cli import main; main()"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, environment)
    try:
        yield terminal
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def shown(terminal: int, typed: str, awaited: str) -> bool:
    """Type something, and return whether this appears."""
    os.write(terminal, typed.encode())
    written, end = b"", time.monotonic() + _DEADLINE
    while awaited.encode() not in written:
        if not select.select([terminal], [], [], max(end - time.monotonic(), 0.0))[0]:
            return False
        written += os.read(terminal, 65_536)
    return True


SHELLS = [
    pytest.param(("bash", "--norc", "-i"), 'eval "$(stem completion bash)"', id="bash"),
    pytest.param(("zsh", "-f", "-i"), 'autoload -Uz compinit; compinit -u; eval "$(stem completion zsh)"', id="zsh"),
    pytest.param(("fish", "--no-config", "-i"), "stem completion fish | source", id="fish"),
]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("command", "setup"), SHELLS)
def test_a_shell_completes_commands_flags_and_names(tmp_path: Path, command: tuple[str, ...], setup: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}: install it")
    with shell(tmp_path, *command) as terminal:
        assert shown(terminal, f"{setup}; echo re''ady\n", "ready")
        assert shown(terminal, "stem worker rat\t", "rate-limit ")
        assert shown(terminal, "\x15stem routing ex\t", "explain ")
        assert shown(terminal, "\x15stem observe queues --queue re\t", "reports ")
        assert shown(terminal, "\x15stem worker drain --worker mai\t", "mail-1 ")
