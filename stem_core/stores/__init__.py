"""The stores, and the only place that knows which there are: URL scheme to module."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any, Final, NamedTuple

from stem_core.envelope import check_name
from stem_core.errors import ConfigurationError
from stem_core.stores.port import Broker, ResultBackend
from stem_core.tls import TlsConfig
from stem_core.urls import redact_url


class _Classes(NamedTuple):
    module: str
    broker: str
    backend: str


_REDIS: Final = _Classes("stem_core.stores.redis", "RedisStreamsBroker", "RedisResultBackend")
_SQLITE: Final = _Classes("stem_core.stores.sqlite", "SqliteBroker", "SqliteResultBackend")
_POSTGRES: Final = _Classes("stem_core.stores.postgres", "PostgresBroker", "PostgresResultBackend")
_SCHEMES: Final = {
    **dict.fromkeys(
        ("redis", "rediss", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"), _REDIS
    ),
    "sqlite": _SQLITE,
    "postgresql": _POSTGRES,
    "postgres": _POSTGRES,
}
_FORMS: Final = "use sqlite:///path/of/the.db, redis://host:port, postgresql://host/database or memory://"
_in_process: dict[tuple[str, str], Broker] = {}
_in_process_lock: Final = threading.Lock()


async def connect_broker(
    url: str, *, namespace: str = "stem", lease: float | None = None, tls: TlsConfig | None = None
) -> Broker:
    """Connect to a broker.

    Args:
        url: `sqlite:///path`; `redis://…`, `redis+cluster://…` or `redis+sentinel://…`, each with `rediss` for TLS;
            `postgresql://…`; or `memory://` for the one that this process shares under that URL and namespace.
        namespace: What all its keys are in.
        lease: Set the namespace's lease, in seconds; None takes what it has.
        tls: How to secure connections, if the URL asks for it.

    Raises:
        ConfigurationError: The URL, the namespace or the server is not usable.
        BrokerUnavailableError: The server cannot be reached.
    """
    check_name("namespace", namespace)
    classes = _classes(url)
    if classes is None:
        return _shared(url, namespace, lease)
    broker: Broker = await _loaded(classes, classes.broker).connect(url, namespace, lease, **_tls(classes, tls))
    return broker


async def connect_backend(url: str, *, namespace: str = "stem", tls: TlsConfig | None = None) -> ResultBackend:
    """Connect to a result backend; `memory://` gives the results of the broker of that URL.

    Args:
        url: As for a broker.
        namespace: What all its keys are in.
        tls: As for a broker.

    Raises:
        ConfigurationError: The URL, the namespace or the server is not usable.
        BrokerUnavailableError: The server cannot be reached.
    """
    check_name("namespace", namespace)
    classes = _classes(url)
    if classes is None:
        return _shared(url, namespace, None).results()
    backend: ResultBackend = await _loaded(classes, classes.backend).connect(url, namespace, **_tls(classes, tls))
    return backend


def _classes(url: str) -> _Classes | None:
    """Return what serves a URL; None for this process's own memory."""
    scheme, separator, _ = url.partition("://")
    scheme = scheme.lower()
    if not separator or (scheme not in _SCHEMES and scheme != "memory"):
        raise ConfigurationError(f"{redact_url(url)!r} is not the URL of a store", _FORMS)
    return _SCHEMES.get(scheme)


def _tls(classes: _Classes, tls: TlsConfig | None) -> dict[str, TlsConfig]:
    # What else a URL can name is a file, or says all about its connections by itself.
    return {"tls": tls} if classes is _REDIS and tls is not None else {}


def _loaded(classes: _Classes, name: str) -> Any:
    # A driver costs start-up time, and may not be installed: only those who use it load it.
    return getattr(import_module(classes.module), name)


def _shared(url: str, namespace: str, lease: float | None) -> Broker:
    from stem_core.stores.memory import InMemoryBroker  # noqa: PLC0415 - only loaded by those who use it

    with _in_process_lock:
        key = (url, namespace)
        if key not in _in_process:
            _in_process[key] = InMemoryBroker(namespace, lease=15.0 if lease is None else lease)
        return _in_process[key]
