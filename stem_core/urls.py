"""Addresses of brokers and result backends: their form, and how to show one without its secrets."""

from __future__ import annotations

import re
from typing import Final

from stem_core.errors import ConfigurationError
from stem_core.text import visible

HIDDEN: Final = "***"

_FORM: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_SECRET_PAIR: Final = re.compile(
    r"([?&;][^=&;]*(?:pass|pwd|secret|token|auth|key|cred|sign)[^=&;]*=)[^&;]*", re.IGNORECASE
)


def redact_url(url: str) -> str:
    """Return a URL as it may be shown: no password, no token, nothing a terminal could act on.

    It must also be safe for what is *not* a good URL, since it is shown in the error that says so: whatever stands
    before the last `@` is taken for credentials, and so is a "port" that is no number.

    Args:
        url: Anything that a person set as a URL.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    rest = _SECRET_PAIR.sub(rf"\1{HIDDEN}", rest)
    credentials, at, place = rest.rpartition("@")
    authority, *tail = re.split("(?=[/?])", place, maxsplit=1)
    shown = ",".join(_without_false_port(host) for host in authority.split(","))
    return visible(f"{scheme}{separator}{_user(credentials)}{at}{shown}{''.join(tail)}")


def check_url(name: str, url: str) -> str:
    """Return the URL if it has the form of one; which schemes there are, the stores know.

    Args:
        name: What is being set, for the error message.
        url: What it is set to.

    Raises:
        ConfigurationError: It is no URL.
    """
    if _FORM.fullmatch(url) is None:
        raise ConfigurationError(
            f"{name} is {redact_url(url)!r}, which is not a URL",
            "use sqlite:///path/of/the.db, redis://host:port/database or postgresql://host/database",
        )
    return url


def _user(credentials: str) -> str:
    user, colon, _ = credentials.partition(":")
    if not credentials:
        return ""
    return f"{user}:{HIDDEN}" if colon else HIDDEN


def _without_false_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or port.isdecimal() or host.startswith("["):
        return host
    return f"{name}:{HIDDEN}" if port else host
