"""What people are shown of arguments and results: not passwords, tokens and the like.

Programs get their data whole; this is for screens, command lines and error texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

HIDDEN: Final = "***"

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS: Final = frozenset(
    (
        *("pass", "pwd", "secret", "secrets", "token", "tokens", "auth", "bearer", "cookie", "cookies"),
        *("pin", "cvv", "cvc", "jwt", "otp", "totp"),
    )
)
_SECRET_PARTS: Final = re.compile(
    "passw|passphrase|credential|authori[sz]ation|(?:auth|access|refresh)token|sessionid|cardnumber|"
    "(?:api|access|private|secret|signing|encryption|session|account)key"
)
_CREDENTIALS: Final = re.compile(r"(?<=://)([^\s:/?#@]*):[^\s/?#]*@|(?<=://)[^\s:/?#@]+@")
_SHORTEST: Final = 4


def is_secret(name: str) -> bool:
    """Return whether an argument of that name is taken for a secret, such as `password`, `apiKey`, `X-Auth-Token`."""
    words = [word.lower() for word in _WORD.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) or _SECRET_PARTS.search("".join(words)) is not None


def redacted(value: object, secrets: Iterable[str] = ()) -> object:
    """Return JSON data as it may be shown.

    Args:
        value: Arguments or a result.
        secrets: Names of fields that are secret, whatever their name says; at any depth.

    Returns:
        The same data, in which secret values are `***`, and addresses lack their passwords.
    """
    return _redacted(value, frozenset(secrets))


def redacted_args(args: Mapping[str, object], secrets: Iterable[str] = ()) -> dict[str, object]:
    """Return arguments as they may be shown."""
    names = frozenset(secrets)
    return {key: _redacted_field(key, each, names) for key, each in args.items()}


def _redacted_field(key: object, value: object, secrets: frozenset[str]) -> object:
    return HIDDEN if value is not None and _hides(key, secrets) else _redacted(value, secrets)


def _redacted(value: object, secrets: frozenset[str]) -> object:
    if isinstance(value, Mapping):
        return {key: _redacted_field(key, each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each, secrets) for each in value]
    if isinstance(value, str) and "://" in value:
        return _CREDENTIALS.sub(_without_password, value)
    return value


def secret_values(value: object, secrets: Iterable[str] = ()) -> list[str]:
    """Return the texts and numbers that `redacted` would hide, the longest first; very short ones are left out."""
    found = {each for each in _values(value, frozenset(secrets), hidden=False) if len(each) >= _SHORTEST}
    return sorted(found, key=len, reverse=True)


def hide(text: str, values: Iterable[str]) -> str:
    """Return a text without these values."""
    for value in values:
        text = text.replace(value, HIDDEN)
    return text


def _values(value: object, secrets: frozenset[str], *, hidden: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _values(each, secrets, hidden=hidden or _hides(key, secrets))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _values(each, secrets, hidden=hidden)
    elif hidden and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def _hides(key: object, secrets: frozenset[str]) -> bool:
    return isinstance(key, str) and (key in secrets or is_secret(key))


def _without_password(match: re.Match[str]) -> str:
    user = match[1]
    return f"{HIDDEN}@" if user is None else f"{user}:{HIDDEN}@"
