"""What Redis and its driver say, in the words of the port."""

from __future__ import annotations

import ssl

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    ClusterError,
    ConnectionError as RedisConnectionError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
    TryAgainError,
)

from stem_core.errors import (
    BrokerError,
    BrokerFullError,
    BrokerUnavailableError,
    ConfigurationError,
    StemError,
)
from stem_core.text import visible

_BROKEN = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError, EOFError)
_CLIENT_REFUSED = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
_NO_LOGIN = "Protocol error: unauthenticated"
"""What a server says to a command that is longer than it reads from strangers."""
_TAKES_NO_WRITES = ("MISCONF", "NOREPLICAS", "BUSY ")
"""What a server says that is up, whatever it is told: it cannot save, has too few replicas, or runs a script."""
_PASSING = (*_BROKEN, AskError, ClusterError, RedisClusterException, TryAgainError)


def breaks_connection(error: BaseException) -> bool:
    """Return whether the connections that were open are of no more use."""
    return isinstance(error, _BROKEN)


def translate(error: Exception, location: str) -> StemError:
    """Return the port's error for a driver's.

    Args:
        error: What the driver raised.
        location: The server's address, without credentials.
    """
    said = visible(str(error) or type(error).__name__, 300)
    if isinstance(error, (AuthenticationError, AuthorizationError)) or said.startswith(_NO_LOGIN):
        return ConfigurationError(f"{location} refuses the login: {said}", "check user and password in the URL")
    if isinstance(error, NoPermissionError):
        return BrokerError(f"{location} does not allow this: {said}", "grant this user the command and the keys stem:*")
    if isinstance(error, OutOfMemoryError) or said.startswith("OOM"):
        return BrokerFullError(f"{location} has no memory left: {said}", "let the queues drain, or raise maxmemory")
    if said.startswith("No master found"):
        return BrokerUnavailableError(f"no sentinel of {location} names a primary that is up")
    if isinstance(error, _PASSING) or said.startswith("UNBLOCKED"):
        return _unsecured(error, location) or BrokerUnavailableError(f"cannot reach {location}: {said}")
    return _as_said(error, location, said)


def _unsecured(error: BaseException, location: str) -> StemError | None:
    """Return the error for a TLS handshake that no further try can mend."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        said = visible(cause.verify_message, 200)
        return ConfigurationError(
            f"the certificate of {location} is refused: {said}",
            "set STEM_TLS_CA_CERT to the authority that signed it, and use the host that it was made out for",
        )
    reason = cause.reason or ""
    if any(word in reason for word in _CLIENT_REFUSED):
        return ConfigurationError(
            f"{location} refuses this client: {reason}", "set STEM_TLS_CLIENT_CERT and STEM_TLS_CLIENT_KEY for it"
        )
    if reason in _NO_TLS:
        return ConfigurationError(f"{location} does not speak TLS: {reason}", "check the port, or leave TLS out")
    return None


def _as_said(error: Exception, location: str, said: str) -> StemError:
    if said.startswith(_TAKES_NO_WRITES):
        return BrokerUnavailableError(f"{location} takes no writes now: {said}")
    if isinstance(error, InvalidResponse):
        return ConfigurationError(f"{location} does not speak the Redis protocol", "check host and port in the URL")
    if isinstance(error, ResponseError) and "unknown command 'SENTINEL'" in said:
        return ConfigurationError(f"{location} names no sentinel", "use redis://host:port for a server")
    if isinstance(error, ResponseError) and "DB index" in said:
        return ConfigurationError(f"{location} has no such database: {said}", "use a number below its `databases`")
    return BrokerError(f"{location} answered: {said}")


DRIVER_ERRORS = (RedisError, RedisClusterException, OSError, EOFError)
