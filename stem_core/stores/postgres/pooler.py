"""Noticing a pooler that hands the server's sessions from one client to another, such as PgBouncer may be set up to do.

Hints are heard by the session that listens, statements are prepared in one, and settings are made for one; so each
connection must be a session of its own. Poolers that see to that are welcome.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final

from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import ConfigurationError
from stem_core.stores.postgres.pool import Connection

_APART: Final = 0.01
_LOOKS: Final = 10
"""While others are busy with the pooler, one look may meet the same session by chance."""


async def check_pooler(session: Connection, open_another: Callable[[], Awaitable[Connection]], location: str) -> None:
    """Refuse a pooler that gives a session to somebody else after each transaction.

    Args:
        session: A connection.
        open_another: How to open one more.
        location: The server's address, without credentials.

    Raises:
        ConfigurationError: There is such a pooler on the way.
    """
    first = await _server_process(session)
    if first == session.info.backend_pid:
        return  # the server itself answered when this connection was made
    other = await open_another()
    try:
        for _ in range(_LOOKS):
            if await _is_shared(first, session, other):
                raise ConfigurationError(
                    f"{location} is a pooler that shares sessions (PgBouncer with pool_mode=transaction)",
                    "use the address of Postgres itself, or pool_mode=session",
                )
            # Those who connect at the same moment must not go on in step.
            await SYSTEM_CLOCK.sleep(random.random() * _APART)  # noqa: S311 - spreads load, guards nothing
    finally:
        await other.close()


async def _is_shared(first: int, session: Connection, other: Connection) -> bool:
    """Return whether a connection is seen to have changed its session, or to have left it to another one."""
    if await _server_process(session) != first:
        return True
    async with other.transaction():  # takes what the first one has just left, if it has
        return await _server_process(other) == first or await _server_process(session) != first


async def _server_process(session: Connection) -> int:
    cursor = await session.execute("SELECT pg_backend_pid()", prepare=False)
    found = await cursor.fetchone()
    return int(found[0]) if found else 0
