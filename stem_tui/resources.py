"""Where the themes and sample configurations lie, in a wheel and in an editable install."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stem_core.errors import ConfigurationError

_PACKAGE: Final = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    for place in (_PACKAGE / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise ConfigurationError(f"the folder {name} is not part of this installation", "install stem-tui again")


def themes_folder() -> Path:
    """Return the folder of theme files, `<name>.yaml` each."""
    return _folder("themes")


def sample_configs_folder() -> Path:
    """Return the folder of sample configuration files."""
    return _folder("sample_configs")


def theme_names() -> tuple[str, ...]:
    """Return the names of all themes that are installed, sorted."""
    return tuple(sorted(path.stem for path in themes_folder().glob("*.yaml")))
