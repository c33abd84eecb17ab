"""Every snippet of the README and the docs runs.

Python blocks run as scripts on a real server; `console` blocks hold commands whose `stem` part must be one that the
command line knows. A block is left out only by a comment before it that says why: `<!-- not run: … -->`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.servers import ValkeyServer

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n+)?^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Snippet(NamedTuple):
    """A block of a page."""

    page: str
    line: int
    language: str
    text: str


def snippets(language: str) -> list[Snippet]:
    """Return the blocks of all pages in that language that are to be run."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in BLOCK.finditer(text):
            if match[1] is None and match[2] == language:
                line = text.count("\n", 0, match.start()) + 1
                found.append(Snippet(str(page.relative_to(ROOT)), line, language, match[3]))
    return found


def name(snippet: Snippet) -> str:
    """Return where the block stands."""
    return f"{snippet.page}:{snippet.line}"


@pytest.mark.parametrize("snippet", snippets("python"), ids=name)
def test_the_python_block_runs(snippet: Snippet, tmp_path: Path, redis_server: ValkeyServer) -> None:
    script = tmp_path / "snippet.py"
    script.write_text(snippet.text.replace("redis://localhost:6379", redis_server.url))
    environment = {**os.environ, "STEM_BROKER_URL": redis_server.url, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True, text=True, timeout=30, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert run.returncode == 0, f"{name(snippet)}\n{run.stdout}\n{run.stderr}"


def commands() -> list[tuple[str, list[str]]]:
    """Return each `stem` command of the `console` blocks, with where it stands."""
    found = []
    for snippet in snippets("console"):
        for line in snippet.text.splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            while words and "=" in words[0]:
                words = words[1:]
            if line.startswith("$ ") and words and words[0] in ("stem", "stem-tui"):
                found.append((f"{name(snippet)} {line}", words))
    return found


@pytest.mark.parametrize(("where", "words"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_command_in_the_docs_is_one_that_exists(where: str, words: list[str]) -> None:
    module = "stem_core" if words[0] == "stem" else "stem_tui"
    if "--" in words:  # what follows is for stem worker start
        split = words.index("--")
        test_the_command_in_the_docs_is_one_that_exists(where, ["stem", "worker", "start", *words[split + 1 :]])
        words = words[:split]
    path = [word for word in words[1:4] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    flags = {word.split("=")[0] for word in words if word.startswith("--")}
    for depth in range(len(path), -1, -1):
        run = subprocess.run(
            [sys.executable, "-m", module, *path[:depth], "--help"],
            capture_output=True, text=True, timeout=30, cwd=ROOT, check=False,
        )  # fmt: skip
        if run.returncode == 0:
            assert {flag for flag in flags if flag not in run.stdout} == set(), where
            return
    pytest.fail(f"no such command: {where}")
