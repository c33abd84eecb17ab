"""The shape of the code: sizes, public names, and what may not be loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import stem_core

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted([*ROOT.glob("stem_core/**/*.py"), *ROOT.glob("stem_tui/**/*.py")])
MAX_MODULE_LINES = 400
MAX_CLASS_LINES = 300
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in MODULES}
    assert {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > MAX_MODULE_LINES} == {}


def test_no_class_knows_everything() -> None:
    large = {
        f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno > MAX_CLASS_LINES
    }
    assert large == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in MODULES if path.stem in FORBIDDEN_NAMES] == []


def test_every_public_name_can_be_imported() -> None:
    assert [name for name in stem_core.__all__ if getattr(stem_core, name, None) is None] == []


@pytest.mark.parametrize("package", ["stem_core", "stem_core.client", "stem_core.metrics"])
def test_public_names_are_listed_before_they_are_loaded(package: str) -> None:
    script = f"import {package} as each; print(set(each.__all__) <= set(dir(each)))"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    assert run.stdout == "True\n"


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Wrker"):
        stem_core.Wrker  # noqa: B018 - the access is what is tested


def loaded_by(code: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after that code."""
    script = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import stem_core", {"psycopg", "redis", "apsw", "click", "rich", "textual", "msgspec", "yaml"}),
        ("import stem_core.client, stem_core.worker", {"psycopg", "redis", "apsw", "click", "rich", "textual"}),
        ("import stem_core.worker, stem_core.cli.start, stem_core.metrics", {"opentelemetry", "prometheus_client"}),
        ("import stem_core.cli", {"psycopg", "redis", "apsw", "rich", "textual"}),
        ("import stem_tui.store, stem_tui.views, stem_tui.actions, stem_tui.session", {"textual", "rich", "click"}),
        ("import stem_tui.cli", {"textual"}),
    ],
)
def test_what_is_not_needed_is_not_loaded(code: str, absent: set[str]) -> None:
    assert loaded_by(code) & absent == set()
