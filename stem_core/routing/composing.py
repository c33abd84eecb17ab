"""YAML as people write it: composed once, with the place of each key, and without what hides or repeats values."""

from __future__ import annotations

from typing import Any, Final

import yaml

from stem_core.errors import DocumentError
from stem_core.routing.node import Place
from stem_core.text import visible

MAX_LEVELS: Final = 64
"""Lists and mappings inside each other: far more than any file needs."""
MAX_PATHS: Final = 16 * 1024 * 1024
"""Characters of all key paths together: a small file of long names inside each other has paths of gigabytes."""


class PlainLoader(yaml.SafeLoader):
    """Reads a document, and refuses aliases, merged mappings, repeated keys and what is nested too deeply.

    Args:
        file: Its name, for the error messages.
        text: What it says.

    Attributes:
        places: By key path, where it stands.
    """

    def __init__(self, file: str, text: str) -> None:
        super().__init__(text)
        self.places: dict[str, Place] = {}
        self._file = file
        self._levels = 0
        self._written = 0

    def read(self) -> object:
        """Return what the document says.

        Raises:
            DocumentError: It says what is refused; names file and line.
            yaml.YAMLError: It is not YAML.
        """
        node = self.get_single_node()
        if node is None:
            return None
        self._note(node, "")
        return self.construct_document(node)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node, and those in it."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, "uses a YAML alias (*name)", "write the value out")
        if self._levels == MAX_LEVELS:
            raise self._refused(event, f"is nested deeper than {MAX_LEVELS} levels", "write it flatter")
        self._levels += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._levels -= 1

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """Compose a text, in which two escapes may stand for one character, as JSON has it."""
        node: yaml.ScalarNode = super().compose_scalar_node(anchor)
        try:
            node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise self._refused(node, "has half of a character (a lone surrogate)", "write the whole one") from error
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - as PyYAML calls it
        """Return what a node says."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as error:  # whatever PyYAML stumbles over
            kind = node.tag.rpartition(":")[2]
            found = f"has {visible(repr(node.value), 60)}, which is no {kind},"
            raise self._refused(node, found, "correct it, or write it in quotes if it is text") from error

    def _note(self, node: yaml.Node, path: str) -> None:
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._note_place(item, f"{path}[{number}]")
                self._note(item, f"{path}[{number}]")
        elif isinstance(node, yaml.MappingNode):
            keys: dict[str, Place] = {}
            for key, value in node.value:
                name = f"{path}.{key.value}" if path else str(key.value)
                self._note_key(key, name, keys)
                self._note(value, name)

    def _note_key(self, key: yaml.Node, name: str, others: dict[str, Place]) -> None:
        place = _place(key)
        if key.tag == "tag:yaml.org,2002:merge":
            raise self._refused(key, "merges a mapping (<<)", "write the values out")
        before = others.setdefault(str(key.value), place)
        if before is not place:
            lines = f"lines {before.line} and {place.line}"
            message = f"{visible(name, 200)} in {self._file} stands in {lines}"
            raise DocumentError(message, "keep one", line=place.line, column=place.column)
        self._note_place(key, name)

    def _note_place(self, node: yaml.Node, path: str) -> None:
        self._written += len(path)
        if self._written > MAX_PATHS:
            raise self._refused(node, "has too many values under too long names", "write shorter names")
        self.places[path] = _place(node)

    def _refused(self, where: Any, found: str, right: str) -> DocumentError:
        place = _place(where)
        message = f"{self._file} {found} at line {place.line}, column {place.column}"
        return DocumentError(message, right, line=place.line, column=place.column)


def _place(node: Any) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
