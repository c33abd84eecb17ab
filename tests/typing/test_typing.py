"""The type checker knows tasks: what is wrong is an error where it is written, what is right is none."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stem_core.stores.port import Broker, ResultBackend

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = ("calls.py", "wrapping.py")


def marked() -> list[tuple[str, int, list[str]]]:
    """Return the marks: file, line, and mypy's codes."""
    return [
        (name, number, mark[1].split(", "))
        for name in FILES
        for number, line in enumerate((HERE / name).read_text().splitlines(), 1)
        if (mark := re.search(r"# E: ([a-z, -]+)$", line)) is not None
    ]


@pytest.mark.timeout(180)
def test_mypy_refuses_exactly_the_lines_that_are_marked() -> None:
    wanted = {(name, number, code) for name, number, codes in marked() for code in codes}
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


@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("pyright") is None, reason="needs pyright: pip install pyright, and node")
def test_pyright_refuses_exactly_the_same_lines() -> None:
    run = subprocess.run(
        ["pyright", "--outputjson", "--pythonpath", sys.executable, *(str(HERE / name) for name in FILES)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = [each for each in json.loads(run.stdout)["generalDiagnostics"] if each["severity"] == "error"]
    found = {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in errors}
    assert found == {(name, number) for name, number, _ in marked()}, run.stdout


@pytest.mark.parametrize("port", [Broker, ResultBackend])
def test_stores_fit_the_port_for_pyright_too_which_counts_names_of_arguments(port: type) -> None:
    kinds = {each.kind for each in inspect.signature(port.__aexit__).parameters.values()}
    assert kinds == {inspect.Parameter.POSITIONAL_ONLY}
