"""A URL taken apart: what libpq shall be told, and the schema that the tables are in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from stem_core.errors import ConfigurationError
from stem_core.urls import redact_url

DEFAULT_SCHEMA: Final = "stem"

_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SSL_MODES: Final = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
_DEFAULTS: Final = {
    "application_name": "stem",
    "connect_timeout": "2",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "5000",
}
"""Seconds, the last one milliseconds: a server that is gone without a word is noticed within some of them."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store lies.

    Args:
        location: The URL without credentials.
        conninfo: What libpq is told.
        schema: The schema of the tables.
    """

    location: str
    conninfo: str
    schema: str


def parse_address(url: str) -> Address:
    """Take a URL apart: what libpq takes, and `?schema=…`.

    Raises:
        ConfigurationError: It is not such a URL.
    """
    location = redact_url(url)
    form = "use postgresql://[user:password@]host[:port]/database[?sslmode=…&schema=…]"
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        ours = [value for name, value in pairs if name == "schema"]
        query = urlencode([pair for pair in pairs if pair[0] != "schema"])
        found = conninfo_to_dict(urlunsplit(parts._replace(query=query)))
        ports = [int(port) for port in str(found.get("port", "")).split(",") if port]
    except (ValueError, ProgrammingError):
        # What the driver says may quote the URL, and with it the password.
        raise ConfigurationError(f"{location} is not a Postgres URL", form) from None
    if any(not 0 < port < 65536 for port in ports) or found.get("sslmode", "prefer") not in _SSL_MODES:
        raise ConfigurationError(f"{location} has a port or an sslmode that does not exist", form)
    schema = ours[-1] if ours else DEFAULT_SCHEMA
    if _SCHEMA.fullmatch(schema) is None or schema.startswith("pg_"):
        raise ConfigurationError(
            f"{location} names the schema {schema!r}", "use lower-case letters, digits and underscore, 63 at most"
        )
    return Address(location, make_conninfo("", **{**_DEFAULTS, **found}), schema)


def location_of(address: Address, namespace: str) -> str:
    """Return where a store lies; broker and result backend are one store if they have this in common."""
    return f"{address.location} namespace {namespace}"
