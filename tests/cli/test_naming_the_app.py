"""`--app`: whatever is wrong with it, or with the program that it names, is said in a line that helps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Stem, one_line

FILES = {
    "src/napp_shop/__init__.py": "",
    "napp_factory.py": "from stem_core import Stem\ndef create(): return Stem.from_environment()\n",
    "napp_empty.py": "from stem_core import Stem\nprint('imported')\nqueue = Stem.from_environment()\n",
    "napp_raises.py": "import os\n\nos.environ['NAPP_NOT_SET']\n",
    "napp_broken.py": "def (:\n",
    "napp_exits.py": "raise SystemExit(3)\n",
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's directory."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


@pytest.mark.parametrize(
    ("app", "code", "says"),
    [
        ("napp_shop:stem", 64, "it is in src: pip install -e . or set PYTHONPATH=src"),
        ("napp_shop.tasks:stem", 64, "there is no module 'napp_shop': it is in src"),
        ("src/napp_shop/tasks.py:stem", 64, "name the module: napp_shop.tasks:stem"),
        ("./napp_empty.py:queue", 64, "name the module: napp_empty:queue"),
        ("napp_factory:create", 64, "'create' is a function, not a Stem: call it there: stem = create()"),
        ("napp_empty:stem", 64, "it has the Stem napp_empty:queue"),
        ("napp_empty:queue", 64, "has no tasks: import the modules that define them"),
        ("napp_raises:stem", 70, "KeyError: 'NAPP_NOT_SET' ({place}/napp_raises.py:3)"),
        ("napp_broken:stem", 70, "SyntaxError: invalid syntax ({place}/napp_broken.py:1)"),
        ("napp_exits:stem", 70, "SystemExit: 3 ({place}/napp_exits.py:1)"),
    ],
)
def test_what_is_wrong_with_an_app_is_one_line_that_helps(
    stem: Stem, place: Path, app: str, code: int, says: str
) -> None:
    ran = stem("worker", "start", "--app", app)
    assert ran.code == code
    assert one_line(ran.err)
    assert says.format(place=place) in ran.err


@pytest.mark.parametrize("words", [("tasks", "ls"), ("worker", "diagnose")])
def test_what_an_app_prints_does_not_get_among_the_json(
    stem: Stem, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("STEM_BROKER_URL", sqlite_url)
    monkeypatch.delitem(sys.modules, "napp_empty", raising=False)
    ran = stem(*words, "--app", "napp_empty:queue", "--json")
    assert ran.json is not None
    assert "imported" in ran.err
