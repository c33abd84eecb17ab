"""The shell that types the pages' commands notices what a reader would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path, {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")})
    yield shell
    shell.kill()


def test_what_one_command_sets_the_next_one_finds(shell: Shell) -> None:
    shell.type("word=$(echo 'two  blanks')")
    assert shell.type('echo "$word"') == "two  blanks\n"


def test_a_command_must_exit_as_its_line_says(shell: Shell) -> None:
    shell.type("stem task show nothing       # exits 70")
    with pytest.raises(AssertionError, match="nothing is known of task"):
        shell.type("stem task show nothing")
    with pytest.raises(AssertionError):
        shell.type("stem health     # exits 70")


@pytest.mark.process
def test_a_worker_that_does_not_come_up_is_noticed(shell: Shell) -> None:
    with pytest.raises(AssertionError, match="there is no module 'nowhere'"):
        shell.type("stem worker start --app nowhere:stem")
