"""Append-only, bounded logs in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from stem_core.events import EVENTS_TOPIC
from stem_core.stores.port import FROM_NOW, Message

_EVENTS_KEPT: Final = 20_000
_OTHERS_KEPT: Final = 2_000


class _Log:
    __slots__ = ("bodies", "end", "expires")

    def __init__(self, kept: int, end: int) -> None:
        self.bodies: deque[bytes] = deque(maxlen=kept)
        self.end = end
        self.expires: float | None = None


class MemoryTopics:
    """All topics of a broker. A cursor is the number of the last entry read. Not thread-safe."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self._longest = 0

    def append(self, topic: str, bodies: Sequence[bytes], ttl: float | None, now: float) -> None:
        """Add entries, forgetting the oldest over the bound."""
        self.forget_expired(now)
        log = self._logs.get(topic)
        if log is None:
            kept = _EVENTS_KEPT if topic == EVENTS_TOPIC else _OTHERS_KEPT
            log = self._logs[topic] = _Log(kept, self._longest)
        log.bodies.extend(bodies)
        log.end += len(bodies)
        log.expires = None if ttl is None else now + ttl

    def forget_expired(self, now: float) -> None:
        """Drop topics whose time ran out; one of that name that begins anew counts on from there."""
        for topic, log in list(self._logs.items()):
            if log.expires is not None and log.expires <= now:
                self._longest = max(self._longest, log.end)
                del self._logs[topic]

    def tail(self, topic: str) -> str:
        """Return the cursor of the newest entry."""
        log = self._logs.get(topic)
        return str(log.end if log else self._longest)

    def resolve(self, cursors: Mapping[str, str]) -> dict[str, str]:
        """Replace "from now" by where each topic ends now."""
        return {topic: self.tail(topic) if cursor == FROM_NOW else cursor for topic, cursor in cursors.items()}

    def read(self, cursors: Mapping[str, str], limit: int) -> list[Message]:
        """Return entries after the cursors, at most `limit` of each topic."""
        found: list[Message] = []
        for topic, cursor in cursors.items():
            log = self._logs.get(topic)
            if log is None:
                continue
            first = log.end - len(log.bodies)
            begin = max(int(cursor), first)
            fresh = islice(log.bodies, begin - first, begin - first + limit)
            found.extend(Message(topic, str(begin + number), body) for number, body in enumerate(fresh, 1))
        return found
