"""The store on Postgres 14 or later, by the driver psycopg 3."""

from __future__ import annotations

from stem_core.errors import ConfigurationError

try:
    import psycopg as _psycopg  # noqa: F401 - only whether it loads is asked here
except ImportError as error:
    raise ConfigurationError("a store on Postgres needs the extra", "pip install 'stem-tui[postgres]'") from error

from stem_core.stores.postgres.backend import PostgresResultBackend
from stem_core.stores.postgres.broker import PostgresBroker

__all__ = ["PostgresBroker", "PostgresResultBackend"]
