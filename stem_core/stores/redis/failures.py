"""What Redis and its driver say, in the words of the port."""

from __future__ import annotations

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConnectionError as RedisConnectionError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
)

from stem_core.errors import (
    BrokerError,
    BrokerFullError,
    BrokerUnavailableError,
    ConfigurationError,
    StemError,
)
from stem_core.text import visible

_PASSING = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError, EOFError)


def breaks_connection(error: BaseException) -> bool:
    """Return whether the connections that were open are of no more use."""
    return isinstance(error, _PASSING)


def translate(error: Exception, location: str) -> StemError:
    """Return the port's error for a driver's.

    Args:
        error: What the driver raised.
        location: The server's address, without credentials.
    """
    said = visible(str(error) or type(error).__name__, 300)
    if isinstance(error, (AuthenticationError, AuthorizationError)):
        return ConfigurationError(f"{location} refuses the login: {said}", "check user and password in the URL")
    if isinstance(error, NoPermissionError):
        return BrokerError(f"{location} does not allow this: {said}", "grant this user the command and the keys stem:*")
    if isinstance(error, OutOfMemoryError) or said.startswith("OOM"):
        return BrokerFullError(f"{location} has no memory left: {said}", "let the queues drain, or raise maxmemory")
    if isinstance(error, _PASSING):
        return BrokerUnavailableError(f"cannot reach {location}: {said}")
    return _misdirected(error, location, said)


def _misdirected(error: Exception, location: str, said: str) -> StemError:
    if isinstance(error, InvalidResponse):
        return ConfigurationError(f"{location} does not speak the Redis protocol", "check host and port in the URL")
    if isinstance(error, ResponseError) and "DB index" in said:
        return ConfigurationError(f"{location} has no such database: {said}", "use a number below its `databases`")
    return BrokerError(f"{location} answered: {said}")


DRIVER_ERRORS = (RedisError, OSError, EOFError)
