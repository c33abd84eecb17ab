"""Making the tables, bringing older ones up to date, and refusing those of a newer version."""

from __future__ import annotations

from typing import Final

from psycopg import errors, sql

from stem_core.errors import ConfigurationError
from stem_core.stores.postgres.address import Address
from stem_core.stores.postgres.pool import Connection
from stem_core.stores.postgres.statements import statement

VERSION: Final = 2
_FIRST: Final = 1
_OLDEST: Final = 140000
_IS_THERE: Final = """
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = %s AND c.relname = 'version'
)
"""


async def ensure_schema(session: Connection, address: Address) -> None:
    """Make the schema unless it is there, or bring it up to date. Several processes may do so at once.

    Raises:
        ConfigurationError: The server is too old, the schema is of a newer version, or this user may not change it.
    """
    if session.info.server_version < _OLDEST:
        raise ConfigurationError(
            f"{address.location} runs Postgres {session.info.server_version // 10000}", "use 14 or later"
        )
    if await _version(session, address) != VERSION:
        async with session.transaction():
            await session.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"stem {address.schema}"])
            version = await _version(session, address)
            if version is None:
                await session.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(address.schema)))
                await session.execute(statement("schema"))
                await session.execute(statement("claim_function"))
            else:
                await _upgrade(session, address, version)


async def _upgrade(session: Connection, address: Address, version: int) -> None:
    try:
        for number in range(version + 1, VERSION + 1):
            await session.execute(statement(f"upgrade_to_{number}"))
    except errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            f"the schema {address.schema} of {address.location} is of version {version}, this Stem needs {VERSION}",
            "connect once as the owner of its tables, which changes them",
        ) from error


async def _version(session: Connection, address: Address) -> int | None:
    """Return the version if it is one that can be used, None if there is no schema yet."""
    cursor = await session.execute(_IS_THERE, [address.schema])
    known = await cursor.fetchone()
    if known != (True,):
        return None
    cursor = await session.execute(sql.SQL("SELECT number FROM {}.version").format(sql.Identifier(address.schema)))
    found = await cursor.fetchone()
    number = found[0] if found else 0
    if not _FIRST <= number <= VERSION:
        raise ConfigurationError(
            f"the schema {address.schema} of {address.location} is of version {number}, this Stem knows {VERSION}",
            "use the newer Stem everywhere" if number > VERSION else "name an empty schema by ?schema=…",
        )
    return number
