"""The keys of one process: which there are, which one signs, and which may command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from stem_core.errors import ConfigurationError
from stem_core.signing.keys import (
    ALGORITHMS,
    ED25519,
    HMAC_SHA256,
    Key,
    SigningKey,
    hmac_key,
    private_key,
    public_key,
    same_pair,
)

ACTIVE: Final = "STEM_SIGNING_ACTIVE_KEY"
ALGORITHM: Final = "STEM_SIGNING_ALGORITHM"
CONTROL: Final = "STEM_SIGNING_CONTROL_KEYS"


def by_id(variable: str, keys: Iterable[SigningKey]) -> dict[str, bytes]:
    """Return the keys of one list.

    Raises:
        ConfigurationError: Two have one id; likewise below for what contradicts itself.
    """
    found: dict[str, bytes] = {}
    for key in keys:
        if key.id in found:
            raise ConfigurationError(f"{variable} has two keys {key.id!r}", "give each key an id of its own")
        found[key.id] = key.material
    return found


def key_ring(secrets: Mapping[str, bytes], public: Mapping[str, bytes], private: Mapping[str, bytes]) -> dict[str, Key]:
    """Return all keys by id; the halves of one pair are one key."""
    _refuse_repetition(secrets, public, private)
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


def _refuse_repetition(*lists: Mapping[str, bytes]) -> None:
    # A public key is known to all: as a shared secret it would let anybody sign.
    for number, one in enumerate(lists):
        for other in lists[number + 1 :]:
            if not set(one.values()).isdisjoint(other.values()):
                raise ConfigurationError(
                    "the same bytes stand as keys of two kinds",
                    "each of STEM_SIGNING_KEYS, STEM_SIGNING_PUBLIC_KEYS and STEM_SIGNING_PRIVATE_KEYS needs its own",
                )


def active_key_of(ring: Mapping[str, Key], chosen: str | None, algorithm: str | None) -> str | None:
    """Return the id of the key that signs, None if none can."""
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise ConfigurationError(f"{ALGORITHM} is none that is known", f"it takes {' or '.join(ALGORITHMS)}")
    if not ring:
        raise ConfigurationError("a signer has no key", "set STEM_SIGNING_KEYS, or unset all STEM_SIGNING_… variables")
    able = [key_id for key_id, key in ring.items() if key.can_sign and algorithm in (None, key.algorithm)]
    if algorithm is not None and all(key.algorithm != algorithm for key in ring.values()):
        where = {HMAC_SHA256: "STEM_SIGNING_KEYS", ED25519: "STEM_SIGNING_PUBLIC_KEYS or STEM_SIGNING_PRIVATE_KEYS"}
        raise ConfigurationError(f"{ALGORITHM} is {algorithm}, but there is no such key", where[algorithm])
    if chosen is None and len(able) <= 1:
        return able[0] if able else None
    if chosen not in able:
        found = "is not set" if chosen is None else "names no key that can sign"
        raise ConfigurationError(f"{ACTIVE} {found}", f"it takes one of {', '.join(able) or 'none'}")
    return chosen


def control_keys_of(ring: Mapping[str, Key], chosen: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the keys that may command, none if all may."""
    # A text is one id, not its letters; a key that is not here would leave nobody to command.
    ids = tuple(dict.fromkeys((chosen,) if isinstance(chosen, str) else chosen))
    for key_id in ids:
        if key_id not in ring:
            raise ConfigurationError(
                f"{CONTROL} names a key that is not listed", f"the keys here are {', '.join(ring)}"
            )
    return ids
