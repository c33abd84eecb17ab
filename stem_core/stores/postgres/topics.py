"""Topics and presences on Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Presence
from stem_core.events import EVENTS_TOPIC
from stem_core.stores.port import FROM_NOW, FROM_START, Message
from stem_core.stores.postgres.connection import PostgresConnection
from stem_core.stores.postgres.hints import Hints, news_hint
from stem_core.stores.postgres.listening import Listener

_EVENTS_KEPT: Final = 20_000
_OTHERS_KEPT: Final = 2_000
_POLL: Final = 1.0


class PostgresTopics:
    """Bounded logs that everyone reads with a cursor of their own. One part of `PostgresBroker`."""

    _postgres: PostgresConnection
    _space: int
    _hints: Hints
    _listener: Listener

    async def append(self, topic: str, bodies: Sequence[bytes], ttl: float | None = None) -> None:
        """Append; the oldest entries over the bound are forgotten."""
        if not bodies:
            return
        parameters = {
            "namespace": self._space,
            "topic": topic,
            "bodies": list(bodies),
            "ttl": ttl,
            "kept": _EVENTS_KEPT if topic == EVENTS_TOPIC else _OTHERS_KEPT,
        }
        await self._postgres.run("append", parameters)
        self._hints.give([news_hint(topic)])

    async def read(self, cursors: Mapping[str, str], limit: int, wait: float) -> list[Message]:
        """Return entries after these cursors, waiting for the first; safe to cancel."""
        deadline = SYSTEM_CLOCK.monotonic() + wait
        at = await self._resolved(cursors)
        with self._listener.hear(map(news_hint, at)) as heard:
            while True:
                found = await self._read(at, limit)
                remaining = deadline - SYSTEM_CLOCK.monotonic()
                if found or remaining <= 0:
                    return found
                try:
                    async with asyncio.timeout(min(remaining, _POLL)):
                        await heard.wait()
                except TimeoutError:
                    continue
                heard.clear()

    async def _resolved(self, cursors: Mapping[str, str]) -> dict[str, int]:
        """Replace "from now" by where each topic ends now."""
        now = [topic for topic, cursor in cursors.items() if cursor == FROM_NOW]
        ends = await self._tails(now) if now else {}
        return {topic: ends.get(topic, 0) if cursor == FROM_NOW else int(cursor) for topic, cursor in cursors.items()}

    async def _read(self, at: Mapping[str, int], limit: int) -> list[Message]:
        parameters = {"namespace": self._space, "topics": list(at), "cursors": list(at.values()), "most": limit}
        rows = await self._postgres.run("read", parameters)
        return [Message(topic, str(number), body) for topic, number, body in rows]

    async def tail(self, topic: str) -> str:
        """Return the cursor of the newest entry."""
        return str((await self._tails([topic])).get(topic, FROM_START))

    async def _tails(self, topics: Sequence[str]) -> dict[str, int]:
        return dict(await self._postgres.run("tails", {"namespace": self._space, "topics": list(topics)}))

    async def announce(self, worker: str, body: bytes, ttl: float) -> None:
        """Keep a worker's snapshot for `ttl` seconds."""
        parameters = {"namespace": self._space, "worker": worker, "body": body, "ttl": ttl}
        await self._postgres.run("announce", parameters)

    async def withdraw(self, worker: str) -> None:
        """Forget a worker that ended."""
        await self._postgres.run("withdraw", {"namespace": self._space, "worker": worker})

    async def presences(self) -> list[Presence]:
        """Return all workers whose time has not run out."""
        rows = await self._postgres.run("presences", {"namespace": self._space})
        return [Presence(worker=name, age=age, body=body) for name, age, body in rows]
