"""Themes: YAML files that say which colour each tone has.

Views speak in tones (`warning`, `muted`), never in colours; a theme gives each tone a style. Files lie in the user's
configuration folder (`themes/NAME.yaml`) and beside the program; the user's win.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

import yaml
from rich.errors import StyleSyntaxError
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme
from textual.widget import Widget

from stem_core.errors import ConfigurationError
from stem_tui.resources import themes_folder

BASE: Final = (
    "background", "surface", "panel", "foreground", "primary", "secondary", "accent", "success", "warning", "error",
)  # fmt: skip
TONES: Final = ("muted", "info", "success", "warning", "error", "accent", "strong", "prod")
CHROME: Final = ("plain", "rule", "rule_focus", "title", "title_focus", "header", "cursor", "focus", "key")
_STYLE_HINT: Final = "a style is words such as bold and a colour: bold #e5b567 on #12151a"


class ConsoleTheme(NamedTuple):
    """A theme, ready for use.

    Args:
        name: Its name.
        textual: For the frame, the dialogs and their buttons.
        styles: For each tone and each part of the chrome. The tone "" is `plain`.
    """

    name: str
    textual: Theme
    styles: Mapping[str, Style]


class Themed(Protocol):
    """What widgets need of the app."""

    console_theme: ConsoleTheme


def styles_of(widget: Widget) -> Mapping[str, Style]:
    """Return the styles of the theme that is on."""
    return cast("Themed", widget.app).console_theme.styles


def ground_of(widget: Widget) -> Style:
    """Return the background on which a widget is painted, as the style sheet has it."""
    return Style.from_color(None, widget.background_colors[1].rich_color)


def theme_folders(user: Path | None = None) -> list[Path]:
    """Return where themes are looked for: the user's folder first, then those that come with the program."""
    return [*([user] if user else []), themes_folder()]


def load_theme(name: str, folders: list[Path] | None = None) -> ConsoleTheme:
    """Load a theme.

    Args:
        name: A theme's name, or the path of a YAML file.
        folders: Where to look for names.

    Raises:
        ConfigurationError: No such theme, or its file is wrong; the message names file and key.
    """
    return _read(_find(name, folders if folders is not None else theme_folders()))


def _find(name: str, folders: list[Path]) -> Path:
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if path.is_file():
            return path
        raise ConfigurationError(f"no theme file {name!r}", "give the path of a YAML file, or the name of a theme")
    for folder in folders:
        path = folder / f"{name}.yaml"
        if "/" not in name and path.is_file():
            return path
    known = sorted({path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.yaml")})
    raise ConfigurationError(f"no theme {name!r}", f"there are {', '.join(known)}; or give the path of a YAML file")


def _read(path: Path) -> ConsoleTheme:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        detail = " ".join(str(error).split())
        raise ConfigurationError(f"theme {path} cannot be read: {detail}", "a theme is a YAML file") from None
    sections = _mapping(path, "the file", document)
    _known(path, "", sections, ("name", "dark", "base", "tones", "chrome"))
    base = {key: _color(path, f"base.{key}", text) for key, text in _section(path, sections, "base", BASE).items()}
    styles = {
        key: _style(path, f"{section}.{key}", text)
        for section, keys in (("tones", TONES), ("chrome", CHROME))
        for key, text in _section(path, sections, section, keys).items()
    }
    styles[""] = styles["plain"]
    name = str(sections.get("name", path.stem))
    dark = sections.get("dark", True)
    if not isinstance(dark, bool):
        raise ConfigurationError(f"theme {path}: dark is {dark!r}", "write true or false")
    return ConsoleTheme(name, _textual(f"stem-{name}", base, dark=dark), styles)


def _textual(name: str, base: Mapping[str, str], *, dark: bool) -> Theme:
    colors = dict(base)
    return Theme(
        name=name,
        dark=dark,
        primary=colors.pop("primary"),
        secondary=colors.pop("secondary"),
        accent=colors.pop("accent"),
        success=colors.pop("success"),
        warning=colors.pop("warning"),
        error=colors.pop("error"),
        foreground=colors.pop("foreground"),
        background=colors.pop("background"),
        surface=colors.pop("surface"),
        panel=colors.pop("panel"),
    )


def _mapping(path: Path, where: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"theme {path}: {where} is {type(value).__name__}", "write keys and values")
    return {str(key): entry for key, entry in value.items()}


def _known(path: Path, prefix: str, found: Mapping[str, object], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            raise ConfigurationError(f"theme {path}: unknown key {prefix}{key}", f"known are {', '.join(known)}")


def _section(path: Path, sections: Mapping[str, object], name: str, keys: tuple[str, ...]) -> dict[str, str]:
    section = _mapping(path, name, sections.get(name, {}))
    _known(path, f"{name}.", section, keys)
    for key in keys:
        if key not in section:
            raise ConfigurationError(f"theme {path}: {name}.{key} is missing", "every tone needs a style")
    return {key: str(section[key]) for key in keys}


def _color(path: Path, key: str, text: str) -> str:
    try:
        return Color.parse(text).hex6
    except ColorParseError:
        raise ConfigurationError(f"theme {path}: {key} is {text!r}", "a colour is written #rrggbb") from None


def _style(path: Path, key: str, text: str) -> Style:
    try:
        return Style.parse(text)
    except StyleSyntaxError:
        raise ConfigurationError(f"theme {path}: {key} is {text!r}", _STYLE_HINT) from None
