"""What a person's terminal gets: colours and bars, and nothing that anybody else wrote for it to act on."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pyte
import pytest

from tests.cli.conftest import ROOT

APP = '''
from stem_core import Stem
stem = Stem.from_environment()

@stem.task("report.generate", queue="reports")
def generate() -> None:
    """\\x1b[2J[bold]now\\u202e :smile:"""

@stem.task("a.task.with.a.name.that.does.not.fit.beside.others", max_retries=3)
def long() -> None:
    pass
'''


def on_terminal(
    *words: str, cwd: Path, columns: int = 100, interrupt_at: str = "", code: int = 0, **variables: str
) -> str:
    """Run a command on a pseudo-terminal, interrupt it once it shows something, and return all that it wrote."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "stem_core", *words], stdout=slave, stderr=slave, stdin=slave, cwd=cwd,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "PYTHONPATH": str(ROOT), **variables},
    ) as process:  # fmt: skip
        os.close(slave)
        written = b""
        while True:
            try:
                data = os.read(master, 65_536)
            except OSError:  # Linux ends a terminal's reading so
                break
            if not data:
                break
            written += data
            if interrupt_at and interrupt_at in written.decode(errors="replace"):
                interrupt_at = ""
                process.send_signal(signal.SIGINT)
        assert process.wait(30) == code, written
    os.close(master)
    return written.decode()


def screen(written: str, columns: int = 100) -> list[str]:
    """Return the lines that stand on the screen."""
    shown = pyte.Screen(columns, 40)
    pyte.Stream(shown).feed(written)
    return [line.rstrip() for line in shown.display if line.strip()]


def test_a_table_is_in_colour_and_what_stands_in_it_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "terminal_app.py").write_text(APP)
    written = on_terminal("tasks", "ls", "--app", "terminal_app:stem", cwd=tmp_path, columns=120)
    assert "\x1b[1m" in written
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", written)
    head, *rows = screen(written, 120)
    assert head.split() == ["NAME", "DESCRIPTION", "QUEUE", "RUNS", "OPTIONS"]
    assert any(r"\x1b[2J[bold]now\u202e :smile:" in row for row in rows)


def test_a_task_that_is_named_like_a_state_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "terminal_app.py").write_text(APP.replace('"report.generate"', '"failed"'))
    written = on_terminal("tasks", "ls", "--app", "terminal_app:stem", cwd=tmp_path)
    assert "failed" in written
    assert "\x1b[31m" not in written


def test_without_colour_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "terminal_app.py").write_text(APP)
    assert "\x1b[3" not in on_terminal("tasks", "ls", "--app", "terminal_app:stem", cwd=tmp_path, NO_COLOR="1")


@pytest.mark.parametrize("columns", [40, 50, 80, 100])
def test_a_name_stays_in_one_piece_however_narrow_the_terminal_is(tmp_path: Path, columns: int) -> None:
    (tmp_path / "terminal_app.py").write_text(APP)
    written = on_terminal("tasks", "ls", "--app", "terminal_app:stem", cwd=tmp_path, columns=columns)
    assert "a.task.with.a.name.that.does.not.fit.beside.others" in written
    assert "max_retries=3" in written


def test_what_does_not_fit_beside_a_task_stands_below_it(tmp_path: Path, sqlite_url: str) -> None:
    store = ("--broker", sqlite_url)
    task_id = on_terminal("enqueue", "a", *store, cwd=tmp_path).strip()
    on_terminal(
        "worker", "revoke", task_id, "--reason", "it is not wanted any more since yesterday", *store, cwd=tmp_path
    )
    lines = screen(on_terminal("task", "list", *store, cwd=tmp_path, columns=80), 80)
    assert lines[0].split() == ["ID", "TASK", "QUEUE", "STATE", "ATTEMPT", "WHEN"]
    assert lines[1].split()[:4] == [task_id, "a", "default", "cancelled"]
    assert lines[2] == "    it is not wanted any more since yesterday"


def test_whoever_interrupts_a_bulk_enqueue_is_told_how_far_it_came(tmp_path: Path, sqlite_url: str) -> None:
    written = on_terminal(
        "enqueue", "a", "--count", "100000000", "--broker", sqlite_url, cwd=tmp_path, interrupt_at="%", code=130
    )
    assert re.search(r"stem: interrupted while enqueuing, after [0-9,]+ of 100,000,000\r\n$", written)
    assert "Traceback" not in written


@pytest.mark.parametrize(("count", "bar"), [("3000", True), ("5", False)])
def test_a_bulk_enqueue_shows_a_bar_and_a_small_one_does_not(
    tmp_path: Path, sqlite_url: str, count: str, bar: bool
) -> None:
    written = on_terminal("enqueue", "a", "--count", count, "--broker", sqlite_url, cwd=tmp_path)
    assert ("enqueuing" in written) is bar
    assert f"{int(count):,} x a to queue 'default'" in written
