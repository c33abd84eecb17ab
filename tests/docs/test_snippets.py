"""Every snippet of the README and the docs runs.

A page's `console` blocks are typed in their order by a user who has nothing set and no server, so that all lies in a
SQLite file of this user's own; where a page names a Redis, there is one. `python` blocks run as scripts on the same
terms.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.actors import furnish, type_with_actors
from tests.docs.pages import ROOT, Snippet, snippets, where
from tests.docs.shell import Shell
from tests.redis_topologies import TlsServer
from tests.servers import RedisServer

REDIS: Final = "redis://localhost:6379"
"""The server that pages name; below, the one with TLS."""
TLS: Final = "rediss://localhost:6380"

READ_ONLY: Final = {
    "CONTRIBUTING.md": "its commands are those that run this suite",
    "docs/daemonisation.md": "its commands are those of service managers, which act on the machine",
}
"""Pages whose commands are not typed, only looked up."""

OTHERS: Final = ("stem-tui", "make", "pip", "python3 -m venv", "source", "sudo")
"""Programs that are not typed: they need a terminal, take minutes, or change the machine."""

CONSOLE: Final = snippets("console")
TYPED: Final = sorted({each.page for each in CONSOLE if each.run} - READ_ONLY.keys())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory of a user who has what pages speak of."""
    furnish(tmp_path)
    return tmp_path


def variables(home: Path) -> dict[str, str]:
    """What that user has set."""
    return {"HOME": str(home), "XDG_DATA_HOME": str(home / "share"), "PYTHONPATH": str(ROOT)}


def with_server(text: str, request: pytest.FixtureRequest) -> str:
    """Return a text that names a Redis with one that runs; for this test alone, since pages name no namespace."""
    if REDIS not in text:
        return text
    server: RedisServer = request.getfixturevalue("private_redis")
    return text.replace(REDIS, server.url.removesuffix("/0"))


@pytest.mark.parametrize("snippet", [each for each in snippets("python") if each.run and not each.file], ids=where)
def test_the_python_block_runs(snippet: Snippet, home: Path, request: pytest.FixtureRequest) -> None:
    script = home / "snippet.py"
    script.write_text(with_server(snippet.text, request))
    run = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True, text=True, timeout=30, env={**os.environ, **variables(home)}, cwd=home, check=False,
    )  # fmt: skip
    assert run.returncode == 0, f"{where(snippet)}\n{run.stdout}\n{run.stderr}"


@pytest.mark.process
@pytest.mark.timeout(240)
@pytest.mark.parametrize("page", TYPED)
def test_the_commands_of_the_page_do_what_it_says(page: str, home: Path, request: pytest.FixtureRequest) -> None:
    blocks = [each for each in snippets() if each.page == page and each.run and TLS not in each.text]
    for each in blocks:
        if each.file is not None:
            (home / each.file).write_text(with_server(each.text, request))
    entries = [entry for each in blocks if each.language == "console" for entry in each.dialogue]
    type_all([(with_server(line, request), printed) for line, printed in entries], home)


@pytest.mark.redis
@pytest.mark.parametrize("snippet", [each for each in CONSOLE if each.run and TLS in each.text], ids=where)
def test_the_commands_about_tls_reach_a_server_that_has_it(snippet: Snippet, home: Path, tls_server: TlsServer) -> None:
    (home / "private-ca.pem").write_bytes(Path(tls_server.ca_cert).read_bytes())
    type_all([(line.replace(TLS, tls_server.url), printed) for line, printed in snippet.dialogue], home)


def type_all(entries: list[tuple[str, list[str]]], home: Path) -> None:
    shell = Shell(home, variables(home))
    try:
        for line, printed in entries:
            if not line.startswith(OTHERS):
                said = type_with_actors(shell, line)
                assert [each for each in printed if not re.search(like(each), said)] == [], f"$ {line}\n{said}"
        shell.end()
    finally:
        shell.kill()


def like(printed: str) -> str:
    """Return the pattern of a line that a page shows: ids differ, and … stands for anything."""
    return re.sub("[0-9a-f]{32}", "[0-9a-f]{32}", re.escape(printed)).replace("…", ".*")


def test_a_block_that_is_a_file_is_used_by_a_command_of_its_page() -> None:
    files = [each for each in snippets() if each.file and each.run]
    used = {
        where(each): any(each.file in line or f"{Path(each.file).stem}:" in line for line in lines)
        for each in files
        if each.file is not None
        for lines in [[line for other in CONSOLE if other.page == each.page for line in other.commands]]
    }
    assert [place for place, is_used in used.items() if not is_used] == []


def looked_up() -> list[tuple[str, list[str]]]:
    """Return the words of each command that is not typed but is one of ours, with where it stands."""
    found = []
    for each in CONSOLE:
        for line in each.commands:
            words = shlex.split(line, comments=True)
            while words and "=" in words[0]:
                words = words[1:]
            typed = each.run and each.page in TYPED and not line.startswith(OTHERS)
            if words and words[0] in ("stem", "stem-tui") and not typed:
                own, _, started = " ".join(words).partition(" -- ")
                found.append((f"{where(each)} {line}", own.split()))
                if started:  # what follows is for the workers
                    found.append((f"{where(each)} … -- {started}", ["stem", "worker", "start", *started.split()]))
    return found


@pytest.mark.parametrize(("place", "words"), looked_up(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_that_is_not_typed_is_at_least_one_that_exists(place: str, words: list[str]) -> None:
    module = "stem_core" if words[0] == "stem" else "stem_tui"
    path = [word for word in words[1:4] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
    flags = {word.split("=")[0] for word in words if word.startswith("--")}
    for depth in range(len(path), -1, -1):
        run = subprocess.run(
            [sys.executable, "-m", module, *path[:depth], "--help"],
            capture_output=True, text=True, timeout=30, cwd=ROOT, check=False,
        )  # fmt: skip
        if run.returncode == 0:
            assert {flag for flag in flags if flag not in run.stdout} == set(), place
            return
    pytest.fail(f"no such command: {place}")


def anchors(page: Path) -> set[str]:
    """Return what a link into the page may name; the whole page as well."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE) if page.suffix == ".md" else []
    return {"", *(re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings)}


def test_a_page_points_to_no_place_that_is_not_there() -> None:
    links = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    missing = []
    for page in pages:
        for target, anchor in links.findall(page.read_text()):
            place = page.parent / target if target else page
            if not place.exists() or anchor not in anchors(place):
                missing.append(f"{page.name}: {target}#{anchor}")
    assert missing == []
