"""The stores, and the only place that knows which there are: URL scheme to module."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from stem_core.errors import ConfigurationError, NotSupportedError
from stem_core.urls import redact_url

if TYPE_CHECKING:
    from stem_core.stores.port import Broker, ResultBackend

_LATER: Final = ("sqlite", "postgresql", "postgres", "rediss", "redis+cluster", "redis+sentinel")
_KNOWN: Final = "use redis://host:port/database, or memory:// inside one process"


async def connect_broker(url: str, *, namespace: str = "stem", lease: float | None = None) -> Broker:
    """Connect to the broker that a URL names.

    Args:
        url: `redis://…` or `memory://`; a new, empty broker each time for the latter.
        namespace: Separates clusters on one server.
        lease: The namespace's lease in seconds; None takes what it has.

    Raises:
        ConfigurationError: The URL names no store, or the server is not fit.
        BrokerUnavailableError: It cannot be reached.
    """
    if _scheme(url) == "memory":
        memory: Any = import_module("stem_core.stores.memory")
        broker: Broker = memory.InMemoryBroker(namespace, lease=15.0 if lease is None else lease)
        return broker
    redis: Any = import_module("stem_core.stores.redis")
    connected: Broker = await redis.RedisStreamsBroker.connect(url, namespace, lease)
    return connected


async def connect_backend(url: str, *, namespace: str = "stem") -> ResultBackend:
    """Connect to the result backend that a URL names; raises as `connect_broker` does."""
    if _scheme(url) == "memory":
        memory: Any = import_module("stem_core.stores.memory")
        backend: ResultBackend = memory.InMemoryResultBackend()
        return backend
    redis: Any = import_module("stem_core.stores.redis")
    connected: ResultBackend = await redis.RedisResultBackend.connect(url, namespace)
    return connected


def _scheme(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise ConfigurationError(f"{redact_url(url)!r} is not a URL", _KNOWN)
    if scheme in _LATER:
        raise NotSupportedError(f"{scheme}:// is not available yet", _KNOWN)
    if scheme not in ("memory", "redis"):
        raise ConfigurationError(f"{redact_url(url)!r} names no store that Stem knows", _KNOWN)
    return scheme
