"""Reading a configuration file, YAML or JSON (which is YAML too), as values that know where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stem_core.errors import ConfigurationError
from stem_core.routing.node import Node

if TYPE_CHECKING:
    import os

MAX_FILE_BYTES: Final = 1024 * 1024


def read_document(path: str | os.PathLike[str], kind: str) -> Node:
    """Read a file.

    Args:
        path: A YAML or JSON file, at most 1 MiB.
        kind: What it holds, such as `routing`, for the error messages.

    Raises:
        ConfigurationError: It cannot be read, or is not YAML; names file and line.
    """
    file = Path(path)
    value, lines = _parse(file, _read(file, kind))
    return Node(str(file), "", value, lines)


def _read(file: Path, kind: str) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise ConfigurationError(f"{file} is larger than {MAX_FILE_BYTES:,} bytes", f"split the {kind} file up")
        return data.decode()
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}", f"give the path of a {kind} file") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not text in UTF-8", "save it as UTF-8") from error


def _parse(file: Path, text: str) -> tuple[object, dict[str, int]]:
    import yaml  # noqa: PLC0415 - most processes never read such a file

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ConfigurationError(f"{file} uses YAML aliases (*name)", "write the value out")
        lines: dict[str, int] = {}
        _note_lines(file, yaml.compose(text, Loader=yaml.SafeLoader), "", lines)
        return yaml.safe_load(text), lines
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        raise ConfigurationError(f"{file} is not YAML{place}: {problem}", "correct that line") from error


def _note_lines(file: Path, node: Any, path: str, lines: dict[str, int]) -> None:
    import yaml  # noqa: PLC0415 - as above

    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[f"{path}[{number}]"] = item.start_mark.line + 1
            _note_lines(file, item, f"{path}[{number}]", lines)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = f"{path}.{key.value}" if path else str(key.value)
            line = key.start_mark.line + 1
            if place in lines:
                raise ConfigurationError(f"{place} in {file} stands in lines {lines[place]} and {line}", "keep one")
            lines[place] = line
            _note_lines(file, value, place, lines)
