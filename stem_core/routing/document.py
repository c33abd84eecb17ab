"""Reading a configuration file, YAML or JSON (which is YAML too), as values that know where they stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stem_core.errors import ConfigurationError, DocumentError
from stem_core.routing.node import Node, Place
from stem_core.text import visible

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
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not text in UTF-8", "save it as UTF-8") from error
    except (OSError, ValueError) as error:  # a path may be none at all
        problem = getattr(error, "strerror", None) or str(error)
        message = f"cannot read {visible(str(file), 200)}: {visible(problem, 200)}"
        raise ConfigurationError(message, f"give the path of a {kind} file") from error


def _parse(file: Path, text: str) -> tuple[object, dict[str, Place]]:
    import yaml  # noqa: PLC0415 - most processes never read such a file

    from stem_core.routing.composing import PlainLoader  # noqa: PLC0415 - as above

    try:
        loader = PlainLoader(str(file), _without_tabs(text))
        return loader.read(), loader.places
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line, column = _position(error, text)
        place = "" if line is None else f" at line {line}, column {column}"
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        message = f"{file} is not YAML{place}: {problem}"
        raise DocumentError(message, "correct that line", line=line, column=column) from error


def _without_tabs(text: str) -> str:
    # JSON may be indented with tabs, YAML may not; inside the texts of JSON there are none.
    if "\t" not in text or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")


def _position(error: Exception, text: str) -> tuple[int | None, int | None]:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return mark.line + 1, mark.column + 1
    position = getattr(error, "position", None)  # of a character that may not be there
    if position is None:
        return None, None
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
