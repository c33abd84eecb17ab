"""Making the tables, and refusing those of another version."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from stem_core.errors import ConfigurationError
from stem_core.stores.postgres.address import Address
from stem_core.stores.postgres.pool import Connection
from stem_core.stores.postgres.statements import statement

VERSION: Final = 1
_OLDEST: Final = 140000
_IS_THERE: Final = """
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = %s AND c.relname = 'version'
)
"""


async def ensure_schema(session: Connection, address: Address) -> None:
    """Make the schema unless it is there. Several processes may do so at once.

    Raises:
        ConfigurationError: The server is too old, or the schema is of a newer version.
    """
    if session.info.server_version < _OLDEST:
        raise ConfigurationError(
            f"{address.location} runs Postgres {session.info.server_version // 10000}", "use 14 or later"
        )
    if await _version(session, address) is None:
        async with session.transaction():
            await session.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"stem {address.schema}"])
            if await _version(session, address) is None:
                await session.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(address.schema)))
                await session.execute(statement("schema"))
                await session.execute(statement("claim_function"))


async def _version(session: Connection, address: Address) -> int | None:
    """Return the version if it is the one known here, None if there is no schema yet."""
    cursor = await session.execute(_IS_THERE, [address.schema])
    known = await cursor.fetchone()
    if known != (True,):
        return None
    cursor = await session.execute(sql.SQL("SELECT number FROM {}.version").format(sql.Identifier(address.schema)))
    found = await cursor.fetchone()
    number = found[0] if found else 0
    if number != VERSION:
        raise ConfigurationError(
            f"the schema {address.schema} of {address.location} is of version {number}, this Stem knows {VERSION}",
            "use the newer Stem everywhere" if number > VERSION else "name an empty schema by ?schema=…",
        )
    return VERSION
