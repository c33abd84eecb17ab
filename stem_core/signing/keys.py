"""Signing keys: how they are written, and what each kind can do. No message here ever shows one."""

from __future__ import annotations

import binascii
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from stem_core.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HMAC_SHA256: Final = "hmac-sha256"
ED25519: Final = "ed25519"
ALGORITHMS: Final = (HMAC_SHA256, ED25519)
MIN_SECRET_BYTES: Final = 16
ED25519_BYTES: Final = 32
KEY_LISTS: Final = ("STEM_SIGNING_KEYS", "STEM_SIGNING_PUBLIC_KEYS", "STEM_SIGNING_PRIVATE_KEYS")
"""The variables that take keys."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_FORM: Final = "write id:base64, several separated by commas; an id is 1 to 32 letters, digits, underscores and hyphens"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key as it was set: its id, and its bytes, which are never shown."""

    id: str
    material: bytes = field(repr=False)


def read_keys(name: str, text: str) -> tuple[SigningKey, ...]:
    """Read a list of keys.

    Args:
        name: What is being set, for messages.
        text: `id:base64`, separated by commas; both alphabets of base64 are understood, with and without padding.

    Raises:
        ConfigurationError: It is not of that form. The message shows nothing of it.
    """
    return tuple(_read(name, number, part.strip()) for number, part in enumerate(text.split(","), 1))


def _read(name: str, number: int, text: str) -> SigningKey:
    key_id, _, encoded = text.partition(":")
    plain = encoded.strip().rstrip("=").replace("-", "+").replace("_", "/")
    if _ID.fullmatch(key_id.strip()) is None or not plain:
        raise ConfigurationError(f"key {number} in {name} is not of the form id:base64", _FORM)
    try:
        material = binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(f"key {number} in {name} is not base64 after its id", _FORM) from None
    return SigningKey(key_id.strip(), material)


def read_id(name: str, text: str) -> str:
    """Read the id of a key.

    Raises:
        ConfigurationError: It can be none. The message shows nothing of it: somebody may have put a key there.
    """
    if _ID.fullmatch(text) is None:
        raise ConfigurationError(f"{name} is no id of a key", "an id is 1 to 32 letters, digits, underscores, hyphens")
    return text


class Key(Protocol):
    """A key that verifies, and perhaps signs."""

    @property
    def algorithm(self) -> str:
        """The one algorithm it is for."""

    @property
    def can_sign(self) -> bool:
        """Whether it can sign too."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature of these bytes."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether that is the signature of these bytes."""


class HmacKey:
    """A shared secret: whoever verifies with it could sign as well."""

    algorithm = HMAC_SHA256
    can_sign = True

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, message: bytes) -> bytes:
        """Return the signature of these bytes."""
        return hmac.digest(self._secret, message, "sha256")

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(hmac.digest(self._secret, message, "sha256"), signature)


class Ed25519Key:
    """The public half of a key pair, and the private one in the processes that may sign."""

    algorithm = ED25519

    def __init__(self, public: Ed25519PublicKey, private: Ed25519PrivateKey | None = None) -> None:
        self._public = public
        self._private = private

    @property
    def can_sign(self) -> bool:
        """Whether the private half is here."""
        return self._private is not None

    def sign(self, message: bytes) -> bytes:
        """Return the signature of these bytes."""
        assert self._private is not None  # noqa: S101 - only a key that can sign is made the active one
        return self._private.sign(message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether that is the signature of these bytes."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an optional package

        try:
            self._public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def hmac_key(key_id: str, secret: bytes) -> HmacKey:
    """Return a shared secret as a key.

    Raises:
        ConfigurationError: It is too short; likewise below.
    """
    _check_id(key_id)
    if len(secret) < MIN_SECRET_BYTES:
        raise ConfigurationError(
            f"the signing key {key_id!r} in STEM_SIGNING_KEYS has {len(secret)} bytes",
            f"use {MIN_SECRET_BYTES} or more, better 32: openssl rand -base64 32",
        )
    return HmacKey(secret)


def public_key(key_id: str, material: bytes) -> Ed25519Key:
    """Return the key that verifies what the private half signs."""
    variable = "STEM_SIGNING_PUBLIC_KEYS"
    _check_ed25519(key_id, material, variable)
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - optional
    except ImportError:
        raise _missing(variable) from None
    return Ed25519Key(Ed25519PublicKey.from_public_bytes(material))


def private_key(key_id: str, material: bytes) -> Ed25519Key:
    """Return the key that signs, and verifies what it signed."""
    variable = "STEM_SIGNING_PRIVATE_KEYS"
    _check_ed25519(key_id, material, variable)
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - optional
    except ImportError:
        raise _missing(variable) from None
    private = Ed25519PrivateKey.from_private_bytes(material)
    return Ed25519Key(private.public_key(), private)


def same_pair(private: Ed25519Key, public: Ed25519Key) -> bool:
    """Return whether the two are halves of one pair."""
    return public.verify(b"stem", private.sign(b"stem"))


def _check_id(key_id: str) -> None:
    if _ID.fullmatch(key_id) is None:
        raise ConfigurationError("the id of a signing key is not usable", _FORM)


def _check_ed25519(key_id: str, material: bytes, variable: str) -> None:
    _check_id(key_id)
    if len(material) != ED25519_BYTES:
        raise ConfigurationError(
            f"the signing key {key_id!r} in {variable} has {len(material)} bytes",
            f"an Ed25519 key is its {ED25519_BYTES} raw bytes, in base64",
        )


def _missing(variable: str) -> ConfigurationError:
    return ConfigurationError(
        f"{variable} is set, but Ed25519 needs the package cryptography", "pip install 'stem-tui[signing]'"
    )
