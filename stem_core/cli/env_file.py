"""Files of environment variables, as systemd and others read them: `NAME=value`, a line each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from stem_core.errors import ConfigurationError

_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_QUOTES: Final = ("'", '"')


def read_env_file(path: str | Path) -> dict[str, str]:
    """Read a file of variables. `#` starts a comment line; a value may stand in quotes; nothing is expanded.

    Raises:
        ConfigurationError: It cannot be read, or a line is none; names the line, and never shows its value.
    """
    try:
        lines = Path(path).read_text().splitlines()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", "see --env-file") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not text in UTF-8", "save it as UTF-8") from error
    values = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(("#", ";")):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise ConfigurationError(f"line {number} of {path} is no variable", "write NAME=value")
        values[match[1]] = _unquoted(match[2].strip())
    return values


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] in _QUOTES and value[0] == value[-1]
    return value[1:-1] if quoted else value
