"""The map and the country: what the pages say of where things are is so, and nothing is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stem_core.config import SETTINGS
from tests.docs.pages import ROOT

MAP = ROOT / "docs" / "architecture.md"
PLACE = re.compile(r"`([a-z_]+(?:/[a-z_]+)*(?:\.(?:py|sql|tcss)|/))`")
FOLDERS = ("stem_core", "stem_tui", "stem_core/stores", "stem_core/stores/redis", "stem_core/stores/postgres/sql")


def is_there(place: str) -> bool:
    """Return whether a place that a page names is one, seen from the folders of which pages speak."""
    found = [ROOT / place, *(ROOT / folder / place for folder in FOLDERS), *ROOT.glob(f"stem_core/*/*/{place}")]
    return any(each.is_dir() if place.endswith("/") else each.is_file() for each in found)


@pytest.mark.parametrize("page", [MAP, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_each_place_that_is_named_is_there(page: Path) -> None:
    named = set(PLACE.findall(page.read_text()))
    assert len(named) > 10
    assert sorted(place for place in named if not is_there(place)) == []


@pytest.mark.parametrize("package", ["stem_core", "stem_tui"])
def test_each_module_is_on_the_map(package: str) -> None:
    table = MAP.read_text().partition("## Where things are")[2].partition("\n## ")[0]
    modules = {
        each.name + ("/" if each.is_dir() else "")
        for each in (ROOT / package).iterdir()
        if not each.name.startswith("_") and each.name != "py.typed"
    }
    assert sorted(modules - set(PLACE.findall(table))) == []


def test_each_folder_of_tests_is_named_where_newcomers_look() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named_by_duty = {"schedule", "signing", "metrics"}  # "the folders of these names"
    folders = {each.name for each in (ROOT / "tests").iterdir() if each.is_dir() and not each.name.startswith("_")}
    assert sorted(name for name in folders - named_by_duty if f"tests/{name}" not in text) == []


def test_each_setting_is_explained() -> None:
    text = (ROOT / "docs" / "workers.md").read_text() + (ROOT / "docs" / "signing.md").read_text()
    assert [each.variable for each in SETTINGS.values() if f"`{each.variable}`" not in text] == []


def test_each_example_is_told_of_by_question() -> None:
    text = (ROOT / "docs" / "index.md").read_text()
    assert [path.name for path in ROOT.glob("examples/*.py") if path.name not in text] == []
