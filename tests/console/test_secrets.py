"""The password of a broker shows nowhere in the console."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stem_core.clock import SYSTEM_CLOCK
from stem_tui.feed import LiveSource
from stem_tui.local import LocalWorkers
from stem_tui.settings import ConsoleFlags, load_settings
from stem_tui.store import ClusterModel

CANARY = "canary-7f3a"
ROOT = Path(__file__).parents[2]


def test_a_local_worker_gets_it_by_environment() -> None:
    settings = load_settings(ConsoleFlags(broker=f"redis://ann:{CANARY}@127.0.0.1:1"), {})
    local = LocalWorkers(ClusterModel(), settings.config, SYSTEM_CLOCK, {})
    assert CANARY not in " ".join(local.command("a:b", ("q",), 2, "local-1"))
    assert CANARY in local._environment()["STEM_BROKER_URL"]
    assert CANARY not in LiveSource(settings.config).location + repr(settings)


@pytest.mark.parametrize("url", [f"redis://ann:{CANARY}@h", f"nothing://ann:{CANARY}@h", f"ann:{CANARY}@h"])
def test_no_error_of_the_console_shows_it(url: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "stem_tui", "--broker", url, "--backend", url],
        capture_output=True, text=True, timeout=30, cwd=ROOT, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert run.returncode == 64
    assert run.stderr.startswith("stem-tui: ")
    assert CANARY not in run.stdout + run.stderr
