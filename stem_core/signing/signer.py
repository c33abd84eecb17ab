"""Signing messages, and refusing those whose signature is not good."""

from __future__ import annotations

import hmac
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from stem_core.errors import ConfigurationError, SignatureError
from stem_core.misspelled import tell_of_blank_keys
from stem_core.signing.keys import KEY_LISTS, Key, SigningKey, read_keys
from stem_core.signing.ring import ACTIVE, ALGORITHM, CONTROL, active_key_of, by_id, control_keys_of, key_ring

if TYPE_CHECKING:
    from stem_core.config import StemConfig

MISSING: Final = "signature-missing"
UNKNOWN_KEY: Final = "signature-unknown-key"
INVALID: Final = "signature-invalid"
NOT_ALLOWED: Final = "signature-not-allowed"

_COMMAND: Final = "command"

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
    return (_COMMAND, namespace)


def schedule_scope(namespace: str, part: str, entry: str) -> Scope:
    """Return what a document of a schedule is bound to: which part of which entry it is."""
    return ("schedule", namespace, part, entry)


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
        control_keys: Ids of the keys that commands must be signed with; empty if any will do. Commands are signed with
            the active key if it is one of them, else with the first of them that can sign.

    Raises:
        ConfigurationError: The keys are too short, contradict each other, or lack the active one or one that may
            command.
    """

    def __init__(
        self,
        *,
        keys: Mapping[str, bytes] | None = None,
        public_keys: Mapping[str, bytes] | None = None,
        private_keys: Mapping[str, bytes] | None = None,
        active_key: str | None = None,
        algorithm: str | None = None,
        control_keys: Iterable[str] = (),
    ) -> None:
        self._keys = key_ring(keys or {}, public_keys or {}, private_keys or {})
        self.active_key = active_key_of(self._keys, active_key, algorithm)
        self.control_keys = control_keys_of(self._keys, control_keys)

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
            config.signing_control_keys,
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> PayloadSigner | None:
        """Return the signer that the `STEM_SIGNING_…` variables ask for, None if they ask for none.

        Raises:
            ConfigurationError: As `from_config`.
        """
        found = os.environ if environ is None else environ
        values = {name: found.get(name, "").strip() for name in (*KEY_LISTS, ACTIVE, ALGORITHM, CONTROL)}
        if not any(values.values()):
            tell_of_blank_keys(found, KEY_LISTS)
            return None
        lists = [read_keys(name, values[name]) if values[name] else () for name in KEY_LISTS]
        control_keys = [key_id.strip() for key_id in values[CONTROL].split(",") if key_id.strip()]
        return cls._from_lists(lists, values[ACTIVE] or None, values[ALGORITHM] or None, control_keys)

    @classmethod
    def _from_lists(
        cls,
        lists: Sequence[Sequence[SigningKey]],
        active_key: str | None,
        algorithm: str | None,
        control_keys: Sequence[str],
    ) -> PayloadSigner | None:
        if not any(lists):
            for variable, value in ((ACTIVE, active_key), (ALGORITHM, algorithm), (CONTROL, control_keys)):
                if value:
                    raise ConfigurationError(f"{variable} is set, but there is no key", "set STEM_SIGNING_KEYS too")
            return None
        keys, public_keys, private_keys = (by_id(name, each) for name, each in zip(KEY_LISTS, lists, strict=True))
        return cls(
            keys=keys,
            public_keys=public_keys,
            private_keys=private_keys,
            active_key=active_key,
            algorithm=algorithm,
            control_keys=control_keys,
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
            ConfigurationError: This process can only verify, or has no key that may command.
        """
        key_id = self._signing_key(scope)
        key, start = self._keys[key_id], payload[:-1]
        signature = urlsafe_b64encode(key.sign(_signed(scope, key_id, key, start))).rstrip(b"=")
        return b'%b,"sig":"%b.%b"}' % (start, key_id.encode(), signature)

    def _signing_key(self, scope: Scope) -> str:
        key_id = self.active_key
        if not self._may(key_id, scope):
            key_id = next((each for each in self.control_keys if self._keys[each].can_sign), None)
            if key_id is None:
                raise ConfigurationError(
                    "this process has no key to sign with that may command",
                    f"sign with one of {', '.join(self.control_keys)}, or change {CONTROL}",
                )
        if key_id is None:
            raise ConfigurationError(
                "messages are signed here, and this process has no key to sign with",
                "set STEM_SIGNING_PRIVATE_KEYS and STEM_SIGNING_ACTIVE_KEY where tasks or commands are sent",
            )
        return key_id

    def _may(self, key_id: str | None, scope: Scope) -> bool:
        return scope[:1] != (_COMMAND,) or not self.control_keys or key_id in self.control_keys

    def verify(self, message: bytes, scope: Scope) -> None:
        """Return if the message is signed with one of the keys that may, for this scope.

        Raises:
            SignatureError: It is not; the reason is one of `signature-missing`, `signature-unknown-key`,
                `signature-invalid` and `signature-not-allowed`.
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
        if not self._may(key_id, scope):
            raise SignatureError(NOT_ALLOWED, f"it is signed with the key {key_id!r}, which may not command here")


def _signed(scope: Scope, key_id: str, key: Key, start: bytes) -> bytes:
    # Each part with its length before it, so that no two scopes run together into the same bytes.
    parts = [part.encode("utf-8", "surrogatepass") for part in ("stem-1", key.algorithm, key_id, *scope)]
    return b"".join([b"%d:%b," % (len(part), part) for part in parts]) + start
