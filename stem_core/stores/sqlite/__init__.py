"""The store in one SQLite file, shared by all processes of one machine."""

from __future__ import annotations

from stem_core.stores.sqlite.backend import SqliteResultBackend
from stem_core.stores.sqlite.broker import SqliteBroker

__all__ = ["SqliteBroker", "SqliteResultBackend"]
