"""A value in a configuration file that knows where it stands, so that every complaint about it can say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, NamedTuple

from stem_core.errors import ConfigurationError, DocumentError
from stem_core.text import visible

_HUMP: Final = re.compile(r"(?<=[a-z])([A-Z])")
_NAMES: Final = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
}


class Place(NamedTuple):
    """Where something stands in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """A value at a key path such as `routes[2].target` of a file.

    Args:
        file: The file's path.
        path: The key path; empty for the whole.
        value: What stands there.
        places: By key path, where it stands.
        heard: Gets the errors after which reading can go on; if None, the first one is raised.
    """

    file: str
    path: str
    value: object
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    heard: Callable[[ConfigurationError], None] | None = field(default=None, repr=False)

    def wrong(self, found: str, right: str) -> DocumentError:
        """Return the error that says what was found here and what would be right."""
        place = self.places.get(self.path)
        line = f", line {place.line}," if place else ""
        where = f"{visible(self.path, 200)} in {self.file}{line}" if self.path else self.file
        line_column = {"line": place.line, "column": place.column} if place else {}
        return DocumentError(f"{where} {found}", right, **line_column)

    def complain(self, error: ConfigurationError) -> None:
        """Raise an error after which reading can go on, or tell it to whoever collects them."""
        if self.heard is None:
            raise error
        self.heard(error)

    def entries(self) -> dict[str, Node]:
        """Return the values of a mapping by key; nothing if it was left empty."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self._not("a mapping of names to settings")
        result = {}
        for key, value in self.value.items():
            if not isinstance(key, str):
                raise self.wrong(f"has the key {key!r}, which is not text", f"write it in quotes: '{key}'")
            result[key] = self._child(f"{self.path}.{key}" if self.path else key, value)
        return result

    def mapping(
        self,
        known: Collection[str],
        refused: Mapping[str, str] | None = None,
        required: Collection[str] = (),
    ) -> dict[str, Node]:
        """Return the values of a mapping whose keys are known; `priorityRange` is read as `priority_range`.

        Args:
            known: Keys that it may have.
            refused: Keys that exist elsewhere but are refused here, and why.
            required: Keys that it must have.
        """
        entries: dict[str, Node] = {}
        for written, node in self.entries().items():
            key = _HUMP.sub(lambda hump: f"_{hump[1].lower()}", written)
            if refused and key in refused:
                self.complain(node.wrong("is not supported", refused[key]))
            elif key not in known:
                self.complain(node.wrong("is not a known key", _suggestion(key, known)))
            elif key in entries:
                self.complain(node.wrong(f"says {key} a second time", "keep one"))
            else:
                entries[key] = node
        for key in sorted(required):
            if key not in entries:
                raise self.wrong(f"has no {key!r}", f"it needs {', '.join(sorted(required))}")
        return entries

    def items(self) -> list[Node]:
        """Return the values of a list."""
        if not isinstance(self.value, list):
            raise self._not("a list")
        return [self._child(f"{self.path}[{number}]", value) for number, value in enumerate(self.value)]

    def flag(self) -> bool:
        """Return the value, if it is true or false."""
        if not isinstance(self.value, bool):
            raise self._not("true or false")
        return self.value

    def text(self) -> str:
        """Return the value, if it is text that is not empty."""
        if not isinstance(self.value, str) or not self.value:
            raise self._not("text")
        return self.value

    def integer(self, least: int, most: int) -> int:
        """Return the value, if it is a whole number in that range."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self._not(f"a whole number from {least} to {most}")
        if not least <= self.value <= most:
            raise self.wrong(f"is {self.value}", f"write a whole number from {least} to {most}")
        return self.value

    def _child(self, path: str, value: object) -> Node:
        return Node(self.file, path, value, self.places, self.heard)

    def _not(self, wanted: str) -> DocumentError:
        if self.value is None or self.value == "":
            return self.wrong("is empty", f"write {wanted}")
        kind = _NAMES.get(type(self.value), type(self.value).__name__)
        return self.wrong(f"is {kind}: {visible(repr(self.value), 60)}", f"write {wanted}")


def _suggestion(key: str, known: Collection[str]) -> str:
    near = get_close_matches(key, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known are {', '.join(sorted(known))}" if known else "nothing can be set here; remove it"
