"""The SQL: files beside this module, read once each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> bytes:
    """Return the text of one file."""
    return files("stem_core.stores.postgres").joinpath("sql", f"{name}.sql").read_bytes()
