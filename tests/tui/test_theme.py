"""Themes: what a wrong file is told, and that what they say can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from textual.color import Color

from stem_core.errors import ConfigurationError
from stem_tui.resources import theme_names, themes_folder
from stem_tui.theme import CHROME, TONES, load_theme


def broken(tmp_path: Path, section: str, key: str, value: object) -> Path:
    document = yaml.safe_load((themes_folder() / "dark.yaml").read_text(encoding="utf-8"))
    document[section][key] = value
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def luminance(color: Color) -> float:
    def linear(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def contrast(one: Color, other: Color) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", theme_names())
def test_every_tone_can_be_read_on_every_background(name: str) -> None:
    theme = load_theme(name)
    cursor = theme.styles["cursor"].bgcolor
    assert cursor is not None
    grounds = [str(theme.textual.background), str(theme.textual.surface), cursor.get_truecolor().hex]
    for tone in (*TONES, *CHROME):
        style = theme.styles[tone]
        if style.color is None or tone in {"rule", "prod"}:
            continue
        color = Color.from_rich_color(style.color)
        for ground in grounds:
            assert contrast(color, Color.parse(ground)) >= 4.5, f"{tone} on {ground}"


@pytest.mark.parametrize("name", theme_names())
def test_every_theme_that_is_shipped_loads(name: str) -> None:
    assert load_theme(name).name == name


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("tones", "warning", "bold blurple", "tones.warning is 'bold blurple'"),
        ("base", "accent", "#12", "base.accent is '#12'"),
        ("tones", "wraning", "bold", "unknown key tones.wraning"),
        ("chrome", "ruler", "bold", "unknown key chrome.ruler"),
    ],
)
def test_a_broken_theme_names_file_and_key(tmp_path: Path, section: str, key: str, value: object, said: str) -> None:
    path = broken(tmp_path, section, key, value)
    with pytest.raises(ConfigurationError) as caught:
        load_theme(str(path))
    assert str(path) in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["- a list", "tones: [1]", "{", "name: x"])
def test_a_file_that_is_no_theme_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=str(path)):
        load_theme(str(path))


def test_an_unknown_theme_names_those_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="there are dark, light"):
        load_theme("solarised")


def test_a_theme_of_the_user_comes_before_ours(tmp_path: Path) -> None:
    text = (themes_folder() / "dark.yaml").read_text(encoding="utf-8").replace("name: dark", "name: mine")
    (tmp_path / "dark.yaml").write_text(text, encoding="utf-8")
    assert load_theme("dark", [tmp_path, themes_folder()]).name == "mine"
