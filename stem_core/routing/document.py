"""Reading a configuration file, YAML or JSON (which is YAML too), as values that know where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stem_core.errors import ConfigurationError, DocumentError
from stem_core.routing.node import Node, Place

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
    value, places = _parse(file, _read(file, kind))
    return Node(str(file), "", value, places)


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


def _parse(file: Path, text: str) -> tuple[object, dict[str, Place]]:
    import yaml  # noqa: PLC0415 - most processes never read such a file

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ConfigurationError(f"{file} uses YAML aliases (*name)", "write the value out")
        places: dict[str, Place] = {}
        _note_places(file, yaml.compose(text, Loader=yaml.SafeLoader), "", places)
        return yaml.safe_load(text), places
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        place = f" at line {line}, column {column}" if mark else ""
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        message = f"{file} is not YAML{place}: {problem}"
        raise DocumentError(message, "correct that line", line=line, column=column) from error


def _note_places(file: Path, node: Any, path: str, places: dict[str, Place]) -> None:
    import yaml  # noqa: PLC0415 - as above

    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            places[f"{path}[{number}]"] = _place(item)
            _note_places(file, item, f"{path}[{number}]", places)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name, place = f"{path}.{key.value}" if path else str(key.value), _place(key)
            if name in places:
                message = f"{name} in {file} stands in lines {places[name].line} and {place.line}"
                raise DocumentError(message, "keep one", line=place.line, column=place.column)
            places[name] = place
            _note_places(file, value, name, places)


def _place(node: Any) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
