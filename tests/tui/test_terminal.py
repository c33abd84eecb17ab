"""The console and the terminal that it runs in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tui.terminal import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.timeout(120)]


def test_the_console_ends_when_its_terminal_is_gone_though_no_signal_says_so(tmp_path: Path) -> None:
    with Terminal([sys.executable, "-m", "stem_tui"], {"XDG_DATA_HOME": str(tmp_path)}) as console:
        console.wait_for("● live")
        console.hang_up()
        assert console.wait(60.0) == 0
