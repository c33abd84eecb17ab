"""Opening a file: its settings, its schema, and whether it is one of ours."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.resources import files
from typing import Any, Final, NamedTuple

import apsw

from stem_core.errors import ConfigurationError
from stem_core.stores.sqlite.address import Address
from stem_core.text import visible

PATIENCE: Final = 5.0
"""Seconds to wait for a lock that another process holds."""
DEFAULT_LEASE: Final = 15.0
VERSION: Final = 1
_APPLICATION: Final = int.from_bytes(b"Stem", "big")
_INCREMENTAL: Final = 2
_WAL_KEPT: Final = 64 * 1024 * 1024
_STATEMENTS: Final = 150


class Opened(NamedTuple):
    """A connection, the number that its file has for the namespace, and which file that is.

    Args:
        connection: For one thread.
        space: The namespace's number.
        identity: Device and number of the file.
    """

    connection: apsw.Connection
    space: int
    identity: tuple[int, int] | None


def identity_of(path: str) -> tuple[int, int] | None:
    """Return which file lies at a path now, None if there is none. Does not open it."""
    try:
        found = os.stat(path)  # noqa: PTH116 - called for each batch, and twice as fast
    except OSError:
        return None
    return found.st_dev, found.st_ino


def create_file(path: str) -> None:
    """Make an empty file that only this user can read, if there is none: it will hold the arguments of tasks."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def open_file(address: Address, namespace: str) -> Opened:
    """Open the file, made and filled with the schema if need be.

    Raises:
        ConfigurationError: It is not one of Stem's, or of a later version's.
        apsw.Error: SQLite cannot open it.
        OSError: It cannot be made.
    """
    path = str(address.path)
    create_file(path)
    identity = identity_of(path)
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=_STATEMENTS)
    try:
        connection.set_busy_timeout(round(PATIENCE * 1000))
        _set_up(connection, address)
        return Opened(connection, _space(connection, namespace), identity)
    except BaseException:
        connection.close()
        raise


def _set_up(connection: apsw.Connection, address: Address) -> None:
    shown = visible(str(address.path))
    is_new = _is_new(connection, shown)
    if is_new:
        connection.pragma("auto_vacuum", _INCREMENTAL)  # before the first page is written, or never
    if connection.pragma("journal_mode", "wal") != "wal":
        raise ConfigurationError(f"{shown} cannot be shared: its file system has no shared memory", "use a local disk")
    connection.pragma("synchronous", address.synchronous)
    connection.pragma("journal_size_limit", _WAL_KEPT)
    connection.pragma("temp_store", "memory")
    if is_new:
        _create_schema(connection, shown)


def _is_new(connection: apsw.Connection, shown: str) -> bool:
    """Return whether the file is empty; refuse what is not ours."""
    application, version = connection.pragma("application_id"), connection.pragma("user_version")
    if application != _APPLICATION:
        if connection.execute("SELECT count(*) FROM sqlite_schema").get or application or version:
            raise ConfigurationError(f"{shown} is a database of another program", "name another file")
        return True
    if version != VERSION:
        raise ConfigurationError(
            f"{shown} was made by another version of Stem (its schema is {version}, this one knows {VERSION})",
            "update Stem where it is older, or name another file",
        )
    return False


def _create_schema(connection: apsw.Connection, shown: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_new(connection, shown):  # another process may have been faster
            connection.execute(files("stem_core.stores.sqlite").joinpath("schema.sql").read_text())
            connection.pragma("application_id", _APPLICATION)
            connection.pragma("user_version", VERSION)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _space(connection: apsw.Connection, namespace: str) -> int:
    find = "SELECT id FROM spaces WHERE name = ?"
    found: Any = connection.execute(find, (namespace,)).get
    if found is None:
        connection.execute("INSERT OR IGNORE INTO spaces (name, lease) VALUES (?, ?)", (namespace, DEFAULT_LEASE))
        found = connection.execute(find, (namespace,)).get
    return int(found)
