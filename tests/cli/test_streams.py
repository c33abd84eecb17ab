"""Streams that are closed, full, or read by nobody: no command answers with a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, one_line

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, which Linux has")


def shell(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in which `stem` stands for the program."""
    program = directory / "stem"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stem_core "$@"\n')
    program.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", script],
        env={**os.environ, "PATH": f"{directory}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        cwd=directory, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("words", ["config", "config --json", "routing dump", "completion bash", "--help"])
def test_a_command_whose_output_is_closed_is_done_nevertheless(words: str, tmp_path: Path) -> None:
    ran = shell(f"stem {words} >&-", tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_closed_input_has_nothing_in_it(tmp_path: Path) -> None:
    ran = shell("stem enqueue a --args - <&-", tmp_path)
    assert ran.returncode == 64
    assert one_line(ran.stderr)
    assert "--args is not JSON" in ran.stderr


def test_who_cannot_be_asked_is_told_what_to_say(tmp_path: Path) -> None:
    store = f"--broker sqlite://{tmp_path}/stem.db"
    schedules = tmp_path / "schedules.yaml"
    schedules.write_text("schedules:\n  a: {task: a, every: 1h}\n")
    ran = shell(f"stem schedule apply --file {schedules} {store} <&-", tmp_path)
    assert ran.returncode == 64
    assert "say --yes" in ran.stderr


@needs_full
@pytest.mark.parametrize("words", ["config", "config --json", "--help", "routing dump", "completion zsh"])
def test_a_full_disk_is_one_line_and_a_failure(words: str, tmp_path: Path) -> None:
    ran = shell(f"stem {words} > /dev/full", tmp_path)
    assert (ran.returncode, ran.stderr) == (70, "stem: No space left on device\n")


@needs_full
def test_an_error_is_an_error_even_if_nobody_can_read_of_it(tmp_path: Path) -> None:
    for where in ("> /dev/full", "2> /dev/full", ">&- 2>&-"):
        assert shell(f"stem nonsense --json {where}", tmp_path).returncode == 64


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    ran = shell("stem config | head -1; stem nonsense 2>&1 | true", tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("SETTING")


def test_an_interrupt_while_it_still_loads_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    ran = shell(f"PYTHONPATH={tmp_path}:$PYTHONPATH stem config", tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
