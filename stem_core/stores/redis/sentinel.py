"""A service whose primary sentinels name, each time that a connection is made.

What the old primary had not replicated when it failed is lost, as far as Redis goes; leases and fencing make of the
rest what they make of any other crash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from stem_core.errors import ConfigurationError
from stem_core.stores.redis.address import RedisAddress
from stem_core.stores.redis.driver import Clients, blocking_options, connection_options, no_retry, plain
from stem_core.text import visible
from stem_core.tls import TlsConfig

if TYPE_CHECKING:
    import redis

_SENTINEL_TIMEOUT: Final = 1.0
"""Seconds that one sentinel may take before the next is asked."""


def sentinel_clients(address: RedisAddress, tls: TlsConfig) -> Clients:
    """Return what makes clients for the service's primary, whichever server that is."""
    sentinels: Any = _sentinels(address, tls)
    secured = {"ssl": True} if address.tls else {}

    def connect(timeout: float) -> Redis:
        options = connection_options(address, tls, timeout)
        return plain(sentinels.master_for(address.service, **options, **secured, retry=no_retry()))

    def connect_blocking() -> redis.Redis:
        from redis.sentinel import Sentinel as BlockingSentinel  # noqa: PLC0415 - only workers need it

        asking = _for_sentinels(address, blocking_options(address, tls, _SENTINEL_TIMEOUT))
        watched: Any = BlockingSentinel(address.hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
        client: redis.Redis = watched.master_for(address.service, **blocking_options(address, tls), **secured)
        return client

    return Clients(connect, connect_blocking, sentinels.aclose)


async def check_service(address: RedisAddress, tls: TlsConfig) -> None:
    """Refuse a service that no sentinel knows; says nothing if none answers.

    Raises:
        ConfigurationError: Sentinels answered, and do not know it.
    """
    sentinels: Any = _sentinels(address, tls)
    known: set[str] = set()
    try:
        for sentinel in sentinels.sentinels:
            try:
                known.update(await sentinel.sentinel_masters())
            except (RedisError, OSError):
                continue
    finally:
        await sentinels.aclose()
    if known and address.service not in known:
        names = ", ".join(visible(name, 40) for name in sorted(known))
        raise ConfigurationError(
            f"the sentinels of {address.location} watch no service {address.service!r}", f"they watch {names}"
        )


def _sentinels(address: RedisAddress, tls: TlsConfig) -> Sentinel:
    options = connection_options(address, tls, _SENTINEL_TIMEOUT) | {"retry": no_retry()}
    return Sentinel(address.hosts, sentinel_kwargs=_for_sentinels(address, options))  # type: ignore[no-untyped-call]


def _for_sentinels(address: RedisAddress, options: dict[str, Any]) -> dict[str, Any]:
    return options | {"db": 0, "socket_connect_timeout": _SENTINEL_TIMEOUT, "ssl": address.tls}
