"""URLs of SQLite stores."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from stem_core.errors import ConfigurationError
from stem_core.redaction import without_url_passwords
from stem_core.text import visible

_FORMS: Final = "use sqlite:///absolute/path/of/the.db, or sqlite:// for this user's default file"
_DRIVE: Final = re.compile(r"/[A-Za-z]:")
_LEVELS: Final = ("normal", "full")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store lies, and how careful it is.

    Args:
        path: The file, with links resolved.
        synchronous: `normal`, or `full` to wait for the disk at each commit.
        is_default: Whether it is this user's own default file, whose directory is made if it is missing.
    """

    path: Path
    synchronous: str = "normal"
    is_default: bool = False

    @property
    def url(self) -> str:
        """The address as a URL, the same for all who mean the same file."""
        return f"sqlite://{'' if self.path.drive == '' else '/'}{quote(self.path.as_posix(), safe='/:')}"


def parse_address(url: str) -> Address:
    """Return the address that a URL names.

    A path is absolute: a relative one would be another file in each directory that a process is started in.

    Args:
        url: `sqlite:///absolute/path[?synchronous=full]`, or `sqlite://` for the user's default file. Characters that
            mean something in URLs are written as `%3F` and the like.

    Raises:
        ConfigurationError: It names no file, or has options that are unknown.
    """
    scheme, separator, rest = url.partition("://")
    if scheme.lower() != "sqlite" or not separator:
        raise ConfigurationError(f"{_shown(url)!r} is not a SQLite URL", _FORMS)
    if "#" in rest:
        raise ConfigurationError(f"{_shown(url)!r} has a #", "write %23 if it is part of the file's name")
    place, _, query = rest.partition("?")
    synchronous = _options(url, query)
    place = unquote(place)
    if not place:
        return Address(default_file(), synchronous, is_default=True)
    return Address(_absolute(url, place), synchronous)


def default_file() -> Path:
    """Return the file that this user's processes share if they name none."""
    from platformdirs import user_data_path  # noqa: PLC0415 - costs start-up time, and most name their file

    return (user_data_path("stem", appauthor=False) / "stem.db").resolve()


def _shown(url: str) -> str:
    return without_url_passwords(visible(url))  # such a URL has none, but somebody may have put one there


def _options(url: str, query: str) -> str:
    options = dict(parse_qsl(query, keep_blank_values=True))
    synchronous = options.pop("synchronous", "normal").lower()
    if options:
        unknown = ", ".join(repr(visible(name)) for name in sorted(options))
        raise ConfigurationError(f"{_shown(url)!r} has the unknown option {unknown}", "there is one: synchronous")
    if synchronous not in _LEVELS:
        raise ConfigurationError(f"synchronous is {visible(synchronous)!r}", "use normal or full")
    return synchronous


def _absolute(url: str, place: str) -> Path:
    if place in {":memory:", "/:memory:"}:
        raise ConfigurationError(f"{_shown(url)!r} names no file", "use memory:// for a store in this process")
    if not place.startswith("/"):
        raise ConfigurationError(f"{_shown(url)!r} has no absolute path", _FORMS)
    if "\0" in place:
        raise ConfigurationError(f"{_shown(url)!r} has a NUL in its path", _FORMS)
    path = place.lstrip("/") if _DRIVE.match(place) else f"/{place.lstrip('/')}"
    return Path(path).resolve()
