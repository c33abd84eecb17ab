"""The pages, and the blocks of code in them.

A block is left out only by a comment before it that says why: `<!-- not run: … -->`. One whose first line names a file,
such as `# tasks.py`, is that file for the commands of its page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])

_BLOCK: Final = re.compile(r"(<!-- not run: [^>]+ -->\n+)?^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"# ([a-z_]+\.(?:py|yaml))\n")


class Snippet(NamedTuple):
    """A block of a page; `run` unless the page says why not."""

    page: str
    line: int
    language: str
    text: str
    run: bool

    @property
    def file(self) -> str | None:
        """The name of the file that the block is, None if it is none."""
        found = _FILE.match(self.text)
        return found[1] if found else None

    @property
    def dialogue(self) -> list[tuple[str, list[str]]]:
        """The commands of a console block, each with the lines that it prints."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            elif found and line:
                found[-1][1].append(line)
        return found

    @property
    def commands(self) -> list[str]:
        """The commands of a console block."""
        return [command for command, _ in self.dialogue]


def snippets(language: str | None = None) -> list[Snippet]:
    """Return the blocks of all pages, or those in one language."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in _BLOCK.finditer(text):
            if language in (None, match[2]):
                line = text.count("\n", 0, match.start()) + 1
                found.append(Snippet(str(page.relative_to(ROOT)), line, match[2], match[3], match[1] is None))
    return found


def where(snippet: Snippet) -> str:
    """Return where the block stands."""
    return f"{snippet.page}:{snippet.line}"
