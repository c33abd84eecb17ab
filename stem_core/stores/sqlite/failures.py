"""What SQLite and its driver say, in the words of the port."""

from __future__ import annotations

from typing import Final

import apsw

from stem_core.errors import (
    BrokerError,
    BrokerFullError,
    BrokerUnavailableError,
    ConfigurationError,
    StemError,
)
from stem_core.stores.sqlite.room import free_bytes
from stem_core.text import visible

_NO_ROOM: Final = 256 * 1024
"""With so little left on the disk, a failed write is put down to that."""

_FULL_HINT: Final = "free some space on the disk; what is queued goes on being finished"


def translate(error: Exception, path: str) -> StemError:
    """Return the port's error for a driver's.

    Args:
        error: What the driver raised.
        path: The file.
    """
    if isinstance(error, StemError):
        return error
    shown = visible(path)
    said = visible(str(error) or type(error).__name__, 300)
    if isinstance(error, (apsw.FullError, apsw.IOError)):
        return _no_room(error, path, f"{shown}: {said}")
    if isinstance(error, (apsw.BusyError, apsw.LockedError, apsw.ProtocolError)):
        return BrokerUnavailableError(f"{shown} is locked by another process: {said}")
    if isinstance(error, (apsw.CantOpenError, OSError)):
        return BrokerUnavailableError(f"cannot open {shown}: {said}")
    return _unfit(error, shown, said)


def _no_room(error: Exception, path: str, said: str) -> StemError:
    free = free_bytes(path)
    if isinstance(error, apsw.FullError) or (free is not None and free < _NO_ROOM):
        return BrokerFullError(said, _FULL_HINT)
    return BrokerUnavailableError(said)


def _unfit(error: Exception, shown: str, said: str) -> StemError:
    if isinstance(error, apsw.NotADBError):
        return ConfigurationError(f"{shown} is no SQLite database", "name another file; a missing one is made")
    if isinstance(error, apsw.CorruptError):
        return BrokerError(f"{shown} is damaged: {said}", "put it aside, and start with a new file or a copy")
    if isinstance(error, (apsw.ReadOnlyError, apsw.PermissionsError)):
        return ConfigurationError(f"{shown} cannot be written: {said}", "give this user the right to, or name another")
    return BrokerError(f"{shown}: {said}")
