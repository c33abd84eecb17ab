"""The type checker knows tasks: what is wrong is an error where it is written, what is right is none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = ("calls.py", "wrapping.py")


@pytest.mark.timeout(180)
def test_mypy_refuses_exactly_the_lines_that_are_marked() -> None:
    wanted = {
        (name, number, code)
        for name in FILES
        for number, line in enumerate((HERE / name).read_text().splitlines(), 1)
        if (mark := re.search(r"# E: ([a-z, -]+)$", line)) is not None
        for code in mark[1].split(", ")
    }
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--hide-error-context", "--no-error-summary",
         "--config-file", "pyproject.toml", *(str(HERE.relative_to(ROOT) / name) for name in FILES)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {
        (Path(match[1]).name, int(match[2]), match[3])
        for match in re.finditer(r"^(\S+?):(\d+): error: .*\[([a-z-]+)\]$", run.stdout, re.MULTILINE)
    }
    assert found == wanted, run.stdout + run.stderr
    assert len(wanted) > 15
