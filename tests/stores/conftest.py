"""What the tests of the stores share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.sqlite_files import Others


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """Where a store may be made."""
    return tmp_path / "stem.db"


@pytest.fixture
def sqlite_url(sqlite_file: Path) -> str:
    """The same as a URL."""
    return f"sqlite://{sqlite_file}"


@pytest.fixture
def others(sqlite_url: str, namespace: str) -> Iterator[Others]:
    """Other processes on that file."""
    others = Others(sqlite_url, namespace)
    yield others
    others.close()
