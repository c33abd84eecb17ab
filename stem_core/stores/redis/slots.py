"""Which server of a cluster holds which slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from stem_core.errors import BrokerUnavailableError
from stem_core.stores.redis.address import Host
from stem_core.stores.redis.connection import Argument

_KEYLESS: Final = frozenset({"PING", "TIME", "INFO"})


def slot_of(key: str) -> int:
    """Return the slot of a key."""
    return key_slot(key.encode())


def slot_of_command(words: Sequence[Argument]) -> int | None:
    """Return the slot of a command's keys, None if it has none: any server may answer it."""
    name = words[0]
    if name in _KEYLESS:
        return None
    if name in {"EVALSHA", "EVAL"}:
        return slot_of(str(words[3]))
    if name == "XREAD":
        return slot_of(_text(words[words.index("STREAMS") + 1]))
    return slot_of(_text(words[1]))


def _text(word: Argument) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)


class SlotTable:
    """The owner of each slot, as far as it is known."""

    def __init__(self) -> None:
        self._owners: list[Host | None] = [None] * REDIS_CLUSTER_HASH_SLOTS

    def read(self, reply: Any, asked: Host) -> None:
        """Take over the answer to CLUSTER SLOTS.

        Args:
            reply: Ranges of slots with their servers, the primary first.
            asked: Who answered; servers that do not know their own address are meant by it.
        """
        owners: list[Host | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, (name, port, *_), *_ in reply:
            host = Host(name.decode() if name else asked.host, port)
            owners[first : last + 1] = [host] * (last + 1 - first)
        self._owners = owners

    def move(self, slot: int, owner: Host) -> None:
        """Note that a slot is another server's now."""
        self._owners[slot] = owner

    def owner(self, slot: int | None) -> Host:
        """Return who holds a slot; for None, a server that always is the same while the cluster does not change.

        Raises:
            BrokerUnavailableError: Nobody does.
        """
        host = self._owners[slot] if slot is not None else next(filter(None, self._owners), None)
        if host is None:
            raise BrokerUnavailableError(f"no server of the cluster holds slot {'0' if slot is None else slot} now")
        return host

    def owners(self) -> list[Host]:
        """Return all servers that hold slots."""
        return list(dict.fromkeys(filter(None, self._owners)))
