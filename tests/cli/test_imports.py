"""A command loads only what it needs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT

CODE = """
import sys
from stem_core.cli.main import run
code = run(sys.argv[1:])
heavy = "rich", "textual", "stem_tui", "yaml", "stem_core.worker", "stem_core.tasks", "stem_core.client.stem"
print(code, *sorted(name for name in sys.modules if name.startswith(heavy)))
"""


@pytest.mark.redis
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("words", [["observe", "queues"], ["observe", "workers"], ["worker", "ping"], ["health"]])
def test_looking_loads_neither_textual_nor_rich_nor_a_worker(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words, "--json"],
        cwd=ROOT,
        env=dict(os.environ),
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "0"
