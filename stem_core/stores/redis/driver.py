"""How the driver is set up: its clients for one server, and what every one of its connections is given.

Its own retries are off: it would repeat what must not be repeated, and hide that a server is gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from stem_core.stores.redis.address import Host, RedisAddress
from stem_core.tls import TlsConfig

if TYPE_CHECKING:
    import redis

CONNECT_TIMEOUT: Final = 2.0
ANSWER_TIMEOUT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Clients:
    """Makes the driver's clients for one server.

    Args:
        connect: Makes a client; takes the seconds that an answer may take.
        connect_blocking: Makes one for a thread.
        close: Gives up what the clients have in common.
    """

    connect: Callable[[float], Redis]
    connect_blocking: Callable[[], redis.Redis]
    close: Callable[[], Awaitable[None]] | None = None


def connection_options(address: RedisAddress, tls: TlsConfig, timeout: float) -> dict[str, Any]:
    """Return what every connection is given, whatever it leads to.

    Args:
        address: Where the login and the database are from.
        tls: How to secure connections, if the address asks for it.
        timeout: Seconds that an answer may take.
    """
    options: dict[str, Any] = {
        "db": address.database,
        "username": address.user,
        "password": address.password,
        "protocol": 2,
        "driver_info": None,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": timeout,
    }
    return options | (_tls_options(tls) if address.tls else {})


def no_retry() -> Retry:
    """Return the rule that nothing is tried again."""
    return Retry(NoBackoff(), 0)


def blocking_options(address: RedisAddress, tls: TlsConfig, timeout: float = ANSWER_TIMEOUT) -> dict[str, Any]:
    """Return what every connection of the blocking driver is given."""
    from redis.retry import Retry as BlockingRetry  # noqa: PLC0415 - only workers need the blocking driver

    options = connection_options(address, tls, timeout) | {"retry": BlockingRetry(NoBackoff(), 0)}
    return options | ({"redis_connect_func": _greet} if address.tls else {})


def _greet(connection: Any) -> None:
    """Read a first reply: what a TLS server sends of its own before one, the driver takes for a reply left unread."""
    connection.on_connect()
    connection.send_command("PING")
    connection.read_response()


def plain(client: Redis) -> Redis:
    """Have a client return replies as the server sends them, by one rule for all commands."""
    client.response_callbacks.clear()
    return client


def server_clients(address: RedisAddress, host: Host, tls: TlsConfig) -> Clients:
    """Return what makes clients for a server whose place is known."""
    place: dict[str, Any] = {"host": host.host, "port": host.port, "ssl": address.tls}

    def connect(timeout: float) -> Redis:
        return plain(Redis(**place, **connection_options(address, tls, timeout), retry=no_retry()))

    def connect_blocking() -> redis.Redis:
        import redis  # noqa: PLC0415 - only workers need the blocking driver

        return redis.Redis(**place, **blocking_options(address, tls))

    return Clients(connect, connect_blocking)


def _tls_options(tls: TlsConfig) -> dict[str, Any]:
    return {
        "ssl_ca_certs": tls.ca_cert,
        "ssl_certfile": tls.client_cert,
        "ssl_keyfile": tls.client_key,
        "ssl_cert_reqs": "none" if tls.allow_insecure else "required",
        "ssl_check_hostname": not tls.allow_insecure,
    }
