"""The URLs of Redis: one server, a cluster, or a service that sentinels watch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from stem_core.errors import ConfigurationError
from stem_core.text import visible
from stem_core.urls import redact_url

_FORMS: Final = {
    "single": "redis[s]://[user:password@]host:port[/database]",
    "cluster": "redis[s]+cluster://[user:password@]host:port[,host:port…]",
    "sentinel": "redis[s]+sentinel://[user:password@]host:port[,host:port…]/service[/database]",
}
_PORTS: Final = {"single": 6379, "cluster": 6379, "sentinel": 26379}
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {"eviction": ("refuse", "allow")}


class Host(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """A URL, taken apart.

    Args:
        location: The URL as it may be shown: no password, no options.
        topology: `single`, `cluster` or `sentinel`.
        hosts: The server; those nodes or sentinels that are asked first.
        tls: Whether connections are secured.
        user: User name; None for the default user.
        password: Its password; for sentinels and servers alike. Not shown by `repr`.
        service: The name by which sentinels know the service.
        database: Number of the database.
        allow_eviction: Whether a server that throws keys away when memory is short will do.
    """

    location: str
    topology: str
    hosts: tuple[Host, ...]
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    service: str = ""
    database: int = 0
    allow_eviction: bool = False


def parse_address(url: str) -> RedisAddress:
    """Take a URL apart.

    Args:
        url: In one of the forms that the error message names.

    Raises:
        ConfigurationError: It is in none of them.
    """
    scheme, _, rest = url.partition("://")
    kind = scheme.lower()
    topology = kind.partition("+")[2] or "single"
    if re.search("[/?].*@", rest):
        # What follows is no path and no option then, but the rest of a password, and must not be told.
        found = f"{redact_url(url)} is not a Redis URL: there is a / or ? before its last @"
        raise ConfigurationError(found, "in a password write %2F for a / and %3F for a ?")
    rest, _, query = rest.partition("?")
    shown = redact_url(f"{kind}://{rest}")
    try:
        authority, _, path = rest.partition("/")
        credentials, _, places = authority.rpartition("@")
        user, colon, password = credentials.partition(":")
        service, database = _path(topology, [unquote(part) for part in path.split("/") if part])
        options = _options(query)
        return RedisAddress(
            location=shown.rstrip("/"),
            topology=topology,
            hosts=_hosts(topology, places),
            tls=kind.startswith("rediss"),
            user=unquote(user) or None,
            password=unquote(password) if colon else None,
            service=service,
            database=database,
            allow_eviction=options.get("eviction") == "allow",
        )
    except ValueError as error:
        raise ConfigurationError(f"{shown} is not a Redis URL: {error}", f"use {_FORMS[topology]}") from None


def _hosts(topology: str, places: str) -> tuple[Host, ...]:
    parts = places.split(",")
    if len(parts) > 1 and topology == "single":
        raise ValueError("it names several servers, which are a cluster or watched by sentinels")
    return tuple(_host(part, _PORTS[topology]) for part in parts)


def _host(place: str, default_port: int) -> Host:
    name, colon, port = place.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = place, str(default_port)
    if not (port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError("a port is no number from 1 to 65535")
    name = name.removeprefix("[").removesuffix("]")
    return Host(name or "localhost", int(port))


def _path(topology: str, parts: list[str]) -> tuple[str, int]:
    service = ""
    if topology == "sentinel":
        if not parts:
            raise ValueError("it does not say which service to ask the sentinels for")
        service = parts.pop(0)
    if not parts:
        return service, 0
    (database, *more) = parts
    if more or not database.isdecimal():  # the driver would take database 0 without a word
        raise ValueError(f"{visible('/'.join(parts), 40)!r} is no database number")
    if topology == "cluster" and database != "0":
        raise ValueError("a cluster has no databases but 0")
    return service, int(database)


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in options.items():
        if name not in _OPTIONS:
            raise ValueError(f"it has the unknown option {visible(name, 40)!r}; there is {', '.join(_OPTIONS)}")
        if value not in _OPTIONS[name]:
            allowed = " or ".join(_OPTIONS[name])
            raise ValueError(f"its option {name} is {visible(value, 40)!r}, not {allowed}")
    return options
