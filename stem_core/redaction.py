"""What people are shown of arguments and results: not passwords, tokens and the like.

Programs get their data whole; this is for screens, command lines and error texts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

HIDDEN: Final = "***"

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS: Final = frozenset(
    (
        *("pass", "pwd", "secret", "secrets", "token", "tokens", "auth", "bearer", "cookie", "cookies"),
        *("pin", "cvv", "cvc", "jwt", "otp", "totp", "pw", "creds", "ssn", "csrf", "xsrf"),
    )
)
_SECRET_ENDINGS: Final = ("secret", "secrets", "token", "tokens", "pwd")
"""Of words that are written as one: `clientsecret`, `APITOKEN`, `dbpwd`."""
_SECRET_PARTS: Final = re.compile(
    "passw|passphrase|passcode|credential|authori[sz]ation|sessionid|cardnumber|(?:auth|access|refresh)token|"
    "(?:db|user|admin|root|key|store|smtp|ftp|mail|login)pass(?!ed|ing|ive|es|age|enger)|"
    "(?:api|access|private|priv|secret|signing|encryption|session|account|master|service|ssh|licen[cs]e)key"
)
_CREDENTIALS: Final = re.compile(
    # Whoever did not encode a `/`, `?` or `#` in a password is not to be shown it; what looks like a port is none.
    r"""(?<=://)([^\s:/?#@[]*):(?!\d{1,5}[/?#])(?:(?!://)[^\s'"<>]){0,256}@"""
    r"|(?<=://)([^\s:/?#@]*):[^\s/?#]*@|(?<=://)[^\s:/?#@]+@"
)
_QUERY: Final = re.compile(r"""(?<=[?&;])([\w.%-]{1,64})=[^\s&;]*[^\s&;'"<>)\]},.]""")
_SHORTEST: Final = 4
_DEEPEST: Final = 64


def is_secret(name: str) -> bool:
    """Return whether an argument of that name is taken for a secret, such as `password`, `apiKey`, `X-Auth-Token`."""
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    words = [word.lower() for word in _WORD.findall(plain)]
    if not _SECRET_WORDS.isdisjoint(words) or any(word.endswith(_SECRET_ENDINGS) for word in words):
        return True
    return _SECRET_PARTS.search("".join(words)) is not None


def redacted(value: object, secrets: Iterable[str] = (), values: Sequence[str] = ()) -> object:
    """Return JSON data as it may be shown.

    Args:
        value: Arguments or a result.
        secrets: Names of fields that are secret, whatever their name says; at any depth.
        values: What `secret_values` found elsewhere: texts and numbers that are not to be repeated here.

    Returns:
        The same data, in which secret values are `***`, and addresses lack their passwords. What is nested deeper than
        people read is `***` too.
    """
    return _redacted(value, _Secrets(frozenset(secrets), values), _DEEPEST)


def redacted_args(args: Mapping[str, object], secrets: Iterable[str] = ()) -> dict[str, object]:
    """Return arguments as they may be shown."""
    known = _Secrets(frozenset(secrets), ())
    return {key: _redacted_field(key, each, known, _DEEPEST) for key, each in args.items()}


class _Secrets(NamedTuple):
    names: frozenset[str]
    values: Sequence[str]


def _redacted_field(key: object, value: object, secrets: _Secrets, depth: int) -> object:
    return HIDDEN if value is not None and _hides(key, secrets.names) else _redacted(value, secrets, depth)


def _redacted(value: object, secrets: _Secrets, depth: int) -> object:
    if isinstance(value, str):
        return hide(value, secrets.values)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return HIDDEN if str(value) in secrets.values else value
    if not isinstance(value, Mapping | list | tuple):
        return value
    if not depth:
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _redacted_field(key, each, secrets, depth - 1) for key, each in value.items()}
    return [_redacted(each, secrets, depth - 1) for each in value]


def without_url_passwords(text: str) -> str:
    """Return a text in which addresses lack their passwords, before the host and in the query."""
    if "://" not in text:
        return text
    return _QUERY.sub(_without_value, _CREDENTIALS.sub(_without_password, text))


def secret_values(args: Mapping[str, object], secrets: Iterable[str] = ()) -> list[str]:
    """Return the texts and numbers that `redacted` would hide, the longest first; very short ones are left out."""
    found = {each for each in _values(args, frozenset(secrets), _DEEPEST, hidden=False) if len(each) >= _SHORTEST}
    found |= {repr(each)[1:-1] for each in found}  # as a message with {value!r} has it
    return sorted(found, key=len, reverse=True)


def hide(text: str, values: Iterable[str]) -> str:
    """Return a text without these values, and without the passwords of addresses."""
    for value in values:
        text = text.replace(value, HIDDEN)
    return without_url_passwords(text)


def _values(value: object, secrets: frozenset[str], depth: int, *, hidden: bool) -> Iterator[str]:
    if isinstance(value, Mapping | list | tuple):
        if depth:
            items = value.items() if isinstance(value, Mapping) else ((None, each) for each in value)
            for key, each in items:
                yield from _values(each, secrets, depth - 1, hidden=hidden or _hides(key, secrets))
    elif hidden and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def _hides(key: object, secrets: frozenset[str]) -> bool:
    return isinstance(key, str) and (key in secrets or is_secret(key))


def _without_password(match: re.Match[str]) -> str:
    user = match[1] if match[1] is not None else match[2]
    return f"{HIDDEN}@" if user is None else f"{user}:{HIDDEN}@"


def _without_value(match: re.Match[str]) -> str:
    return f"{match[1]}={HIDDEN}" if is_secret(match[1]) else match[0]
