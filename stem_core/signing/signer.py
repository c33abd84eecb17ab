"""Signing messages, and refusing those whose signature is not good."""

from __future__ import annotations

import hmac
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from stem_core.errors import ConfigurationError, SignatureError
from stem_core.signing.keys import (
    ALGORITHMS,
    ED25519,
    HMAC_SHA256,
    Key,
    SigningKey,
    hmac_key,
    private_key,
    public_key,
    read_keys,
    same_pair,
)

if TYPE_CHECKING:
    from stem_core.config import StemConfig

MISSING: Final = "signature-missing"
UNKNOWN_KEY: Final = "signature-unknown-key"
INVALID: Final = "signature-invalid"

_LISTS: Final = ("STEM_SIGNING_KEYS", "STEM_SIGNING_PUBLIC_KEYS", "STEM_SIGNING_PRIVATE_KEYS")
_ALGORITHM: Final = "STEM_SIGNING_ALGORITHM"

_FIELD: Final = b',"sig":"'
_LONGEST: Final = len(_FIELD) + 32 + 1 + 86 + 2
_END: Final = re.compile(rb',"sig":"([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{86}|[A-Za-z0-9_-]{43})"\}')

Scope: TypeAlias = tuple[str, ...]
"""What a message is bound to: its kind, its namespace, its place."""


def job_scope(namespace: str, queue: str, task_id: str) -> Scope:
    """Return what a job's envelope is bound to."""
    return ("job", namespace, queue, task_id)


def broadcast_scope(namespace: str, channel: str) -> Scope:
    """Return what the envelope of a broadcast is bound to."""
    return ("broadcast", namespace, channel)


def command_scope(namespace: str) -> Scope:
    """Return what a command is bound to."""
    return ("command", namespace)


class PayloadSigner:
    """Signs messages with the active key, and verifies them with any key that is listed.

    Each key id stands for one key of one algorithm, whatever a message says. A process that has public keys only
    verifies, and cannot sign. Where there is a signer, what is not signed is refused.

    Args:
        keys: Shared secrets for HMAC-SHA256, by key id; 16 bytes or more, better 32.
        public_keys: Ed25519 public keys, by key id; 32 raw bytes.
        private_keys: Ed25519 private keys, by key id; 32 raw bytes. Each verifies too.
        active_key: Id of the key that signs; not needed if only one can.
        algorithm: `hmac-sha256` or `ed25519`: what the active key must be for. None for whatever it is for.

    Raises:
        ConfigurationError: The keys are too short, contradict each other, or lack the active one.
    """

    def __init__(
        self,
        *,
        keys: Mapping[str, bytes] | None = None,
        public_keys: Mapping[str, bytes] | None = None,
        private_keys: Mapping[str, bytes] | None = None,
        active_key: str | None = None,
        algorithm: str | None = None,
    ) -> None:
        self._keys = _key_ring(keys or {}, public_keys or {}, private_keys or {})
        self.active_key = _active(self._keys, active_key, algorithm)

    @classmethod
    def from_config(cls, config: StemConfig) -> PayloadSigner | None:
        """Return the signer that the settings ask for, None if they ask for none.

        Raises:
            ConfigurationError: The keys cannot be used; names the variable and what it takes.
        """
        return cls._from_lists(
            (config.signing_keys, config.signing_public_keys, config.signing_private_keys),
            config.signing_active_key,
            config.signing_algorithm,
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> PayloadSigner | None:
        """Return the signer that the `STEM_SIGNING_…` variables ask for, None if they ask for none.

        Raises:
            ConfigurationError: As `from_config`.
        """
        found = os.environ if environ is None else environ
        values = {name: found.get(name, "").strip() for name in (*_LISTS, "STEM_SIGNING_ACTIVE_KEY", _ALGORITHM)}
        if not any(values.values()):
            return None
        lists = [read_keys(name, values[name]) if values[name] else () for name in _LISTS]
        return cls._from_lists(lists, values["STEM_SIGNING_ACTIVE_KEY"] or None, values[_ALGORITHM] or None)

    @classmethod
    def _from_lists(
        cls, lists: Sequence[Sequence[SigningKey]], active_key: str | None, algorithm: str | None
    ) -> PayloadSigner | None:
        if not any(lists):
            for variable, value in (("STEM_SIGNING_ACTIVE_KEY", active_key), (_ALGORITHM, algorithm)):
                if value is not None:
                    raise ConfigurationError(f"{variable} is set, but there is no key", "set STEM_SIGNING_KEYS too")
            return None
        keys, public_keys, private_keys = (_by_id(name, each) for name, each in zip(_LISTS, lists, strict=True))
        return cls(
            keys=keys,
            public_keys=public_keys,
            private_keys=private_keys,
            active_key=active_key,
            algorithm=algorithm,
        )

    @property
    def can_sign(self) -> bool:
        """Whether there is a key to sign with."""
        return self.active_key is not None

    @property
    def algorithm(self) -> str | None:
        """Algorithm of the active key, None if there is none."""
        return None if self.active_key is None else self._keys[self.active_key].algorithm

    def __repr__(self) -> str:
        return f"PayloadSigner(keys={sorted(self._keys)}, active_key={self.active_key!r})"

    def sign(self, payload: bytes, scope: Scope) -> bytes:
        """Return a message with its signature as the last field.

        Args:
            payload: A JSON object that is not empty.
            scope: What it is bound to.

        Raises:
            ConfigurationError: This process can only verify.
        """
        key_id = self.active_key
        if key_id is None:
            raise ConfigurationError(
                "messages are signed here, and this process has no key to sign with",
                "set STEM_SIGNING_PRIVATE_KEYS and STEM_SIGNING_ACTIVE_KEY where tasks or commands are sent",
            )
        key, start = self._keys[key_id], payload[:-1]
        signature = urlsafe_b64encode(key.sign(_signed(scope, key_id, key, start))).rstrip(b"=")
        return b'%b,"sig":"%b.%b"}' % (start, key_id.encode(), signature)

    def verify(self, message: bytes, scope: Scope) -> None:
        """Return if the message is signed with one of the keys, for this scope.

        Raises:
            SignatureError: It is not; the reason is one of `signature-missing`, `signature-unknown-key` and
                `signature-invalid`.
        """
        at = message.rfind(_FIELD, max(0, len(message) - _LONGEST))
        found = _END.fullmatch(message, at) if at > 0 else None
        if found is None:
            raise SignatureError(MISSING, "it is not signed", "send it with a key that is listed here")
        key_id, text = found[1].decode(), found[2]
        key = self._keys.get(key_id)
        if key is None:
            raise SignatureError(UNKNOWN_KEY, f"it is signed with the key {key_id!r}, which is not listed here")
        signature = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
        good = key.verify(_signed(scope, key_id, key, message[:at]), signature)
        # Base64 has spare bits at its end: only the one spelling that `sign` writes is taken.
        if not good or not hmac.compare_digest(urlsafe_b64encode(signature).rstrip(b"="), text):
            raise SignatureError(INVALID, f"it is not what was signed with the key {key_id!r} for this place")


def _signed(scope: Scope, key_id: str, key: Key, start: bytes) -> bytes:
    # Each part with its length before it, so that no two scopes run together into the same bytes.
    parts = [part.encode("utf-8", "surrogatepass") for part in ("stem-1", key.algorithm, key_id, *scope)]
    return b"".join([b"%d:%b," % (len(part), part) for part in parts]) + start


def _by_id(variable: str, keys: Iterable[SigningKey]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for key in keys:
        if key.id in found:
            raise ConfigurationError(f"{variable} has two keys {key.id!r}", "give each key an id of its own")
        found[key.id] = key.material
    return found


def _key_ring(
    secrets: Mapping[str, bytes], public: Mapping[str, bytes], private: Mapping[str, bytes]
) -> dict[str, Key]:
    ring: dict[str, Key] = {key_id: hmac_key(key_id, secret) for key_id, secret in secrets.items()}
    halves = {key_id: public_key(key_id, material) for key_id, material in public.items()}
    wholes = {key_id: private_key(key_id, material) for key_id, material in private.items()}
    for key_id in [*(ring.keys() & (halves.keys() | wholes.keys())), *(halves.keys() & wholes.keys())]:
        if key_id in ring or not same_pair(wholes[key_id], halves[key_id]):
            raise ConfigurationError(
                f"the signing key id {key_id!r} stands for two keys",
                "of STEM_SIGNING_KEYS, STEM_SIGNING_PUBLIC_KEYS and STEM_SIGNING_PRIVATE_KEYS, only the halves of one "
                "pair may share an id",
            )
    return {**ring, **halves, **wholes}


def _active(ring: dict[str, Key], chosen: str | None, algorithm: str | None) -> str | None:
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise ConfigurationError("STEM_SIGNING_ALGORITHM is none that is known", f"it takes {' or '.join(ALGORITHMS)}")
    if not ring:
        raise ConfigurationError("a signer has no key", "set STEM_SIGNING_KEYS, or unset all STEM_SIGNING_… variables")
    able = [key_id for key_id, key in ring.items() if key.can_sign and algorithm in (None, key.algorithm)]
    if algorithm is not None and all(key.algorithm != algorithm for key in ring.values()):
        where = {HMAC_SHA256: "STEM_SIGNING_KEYS", ED25519: "STEM_SIGNING_PUBLIC_KEYS or STEM_SIGNING_PRIVATE_KEYS"}
        raise ConfigurationError(f"STEM_SIGNING_ALGORITHM is {algorithm}, but there is no such key", where[algorithm])
    if chosen is None and len(able) <= 1:
        return able[0] if able else None
    if chosen not in able:
        found = "is not set" if chosen is None else "names no key that can sign"
        raise ConfigurationError(f"STEM_SIGNING_ACTIVE_KEY {found}", f"it takes one of {', '.join(able) or 'none'}")
    return chosen
