"""What Postgres and its driver say, in the words of the port."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import errors

from stem_core.errors import (
    BrokerError,
    BrokerFullError,
    BrokerUnavailableError,
    ConfigurationError,
    StemError,
)
from stem_core.text import visible

DRIVER_ERRORS: Final = (psycopg.Error, OSError, TimeoutError)

CONFLICTS: Final = (errors.SerializationFailure, errors.DeadlockDetected)
"""The statement did nothing and may be tried again."""

_LOGIN: Final = (errors.InvalidAuthorizationSpecification, errors.InvalidPassword)
_FULL: Final = (errors.DiskFull, errors.OutOfMemory)
_PASSING: Final = (
    errors.TooManyConnections,
    errors.QueryCanceled,
    errors.ReadOnlySqlTransaction,
    psycopg.InterfaceError,
    OSError,
    TimeoutError,
)
_SAID_OF_LOGINS: Final = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "role ")
_SAID_OF_OTHERS: Final = ("received invalid response to", "expected authentication request from server")
_SAID_OF_DATABASES: Final = "database "


def translate(error: Exception, location: str) -> StemError:
    """Return the port's error for a driver's.

    Args:
        error: What the driver raised.
        location: The server's address, without credentials.
    """
    said = visible(" ".join(str(error).split()) or type(error).__name__, 300)
    if isinstance(error, _LOGIN):
        return _refused(location, said)
    if isinstance(error, errors.InvalidCatalogName):
        return _no_database(location, said)
    if isinstance(error, errors.InsufficientPrivilege):
        return ConfigurationError(
            f"{location} does not allow this: {said}", "grant this user CREATE on the database, or the schema's tables"
        )
    if isinstance(error, _FULL):
        return BrokerFullError(f"{location} has no room left: {said}", "let the queues drain, or give it more room")
    if isinstance(error, (*_PASSING, psycopg.OperationalError)):
        return _unreachable(error, location, said)
    return BrokerError(f"{location} answered: {said}")


def _unreachable(error: Exception, location: str, said: str) -> StemError:
    # A refused connection has no code, only words; they are English unless the server was told otherwise.
    if getattr(error, "sqlstate", None) is None:
        if any(words in said for words in _SAID_OF_LOGINS):
            return _refused(location, said)
        if _SAID_OF_DATABASES in said and "does not exist" in said:
            return _no_database(location, said)
        if any(words in said for words in _SAID_OF_OTHERS):
            return ConfigurationError(
                f"{location} does not speak the Postgres protocol", "check host and port in the URL"
            )
        if "invalid sslmode" in said or "does not support SSL" in said or "certificate" in said:
            return ConfigurationError(f"{location} cannot be reached safely: {said}", "check sslmode and certificates")
    return BrokerUnavailableError(f"cannot reach {location}: {said}")


def _refused(location: str, said: str) -> StemError:
    return ConfigurationError(f"{location} refuses the login: {said}", "check user and password in the URL")


def _no_database(location: str, said: str) -> StemError:
    return ConfigurationError(f"{location} has no such database: {said}", "create it, or name another in the URL")
