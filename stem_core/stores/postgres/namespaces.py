"""A namespace as the server has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stem_core.stores.postgres.connection import PostgresConnection

DEFAULT_LEASE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace.

    Args:
        id: Its number in the tables.
        name: Its name.
        lease: Its lease in seconds.
        warnings: What an operator should know of the server.
    """

    id: int
    name: str
    lease: float
    warnings: tuple[str, ...] = ()


async def open_namespace(connection: PostgresConnection, name: str, lease: float | None = None) -> Namespace:
    """Return a namespace, made if it is not there; a lease that is given is set."""
    rows = await connection.run("namespace", {"name": name})
    if not rows or (lease is not None and lease != rows[0][1]):
        await connection.run("set_namespace", {"name": name, "lease": lease, "default": DEFAULT_LEASE})
        rows = await connection.run("namespace", {"name": name})
    ((number, in_force, fsync, commit),) = rows
    return Namespace(number, name, in_force, _warnings(connection.address.location, fsync, commit))


def _warnings(location: str, fsync: str, commit: str) -> tuple[str, ...]:
    found = []
    if fsync == "off":
        found.append(f"{location} has fsync off: a power cut may destroy all that it keeps")
    if commit == "off":
        found.append(f"{location} has synchronous_commit off: a crash of the server loses what it was last told")
    return tuple(found)
