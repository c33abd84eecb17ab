"""Text for people: what comes from the wire is made harmless, and numbers of things are written.

Task names, errors, ids and worker names come from other people's programs. Control characters, escape sequences,
bidirectional marks and lone surrogates in them can rewrite a terminal; here they become visible instead.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Categories: Cc control, Cf format (bidi, zero width), Cs surrogate, Co private use, Zl and Zp separators.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str, limit: int | None = None) -> str:
    r"""Return the text with everything that a terminal could act on written out.

    Args:
        text: Anything from the wire.
        limit: Cut to this many characters, ending in `…`.

    Returns:
        One line without control, format or surrogate characters: ESC becomes `\x1b`, a newline `\x0a`.
    """
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    if _PLAIN.fullmatch(text):
        return text
    return "".join(map(_visible, text))


def visible_lines(text: str, limit: int | None = None) -> list[str]:
    r"""Return the lines of a longer text (a traceback, a JSON document), each made harmless.

    Args:
        text: Anything from the wire. Line feeds separate lines, tabs become four spaces.
        limit: Keep at most this many lines.
    """
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return [visible(line) for line in lines[:limit]]


def plural(number: int, one: str) -> str:
    """Write a number of things: `1 task`, `8,000 tasks`."""
    return f"{number:,} {one if number == 1 else one + 's'}"
