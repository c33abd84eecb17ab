"""SQLite, held to the contract: a new file, in which the machine's own time passes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stem_core.testing.contract.harness import Store
from tests.contract.redis_store import served_store


@asynccontextmanager
async def sqlite_store(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Store]:
    """A store in a file of its own."""
    folder: Path = request.getfixturevalue("tmp_path")
    async with served_store(f"sqlite://{folder}/stem.db", namespace) as store:
        yield store
