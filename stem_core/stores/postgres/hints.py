"""Telling other processes that there may be something for them.

NOTIFY takes a lock of the whole server at commit, so it has a transaction of its own, and never waits for the disk with
it. A name is told at once if it was not within the last 100 ms, and else when these are over. It is only a hint: who
waits also looks once a second.

A notification wakes every session that listens, to whichever channel. Events are told of all the time, and few want to
hear of them, so they have a channel beside the one to which every worker listens; and to a channel to which nobody
listens nothing is told.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import BrokerError
from stem_core.events import EVENTS_TOPIC
from stem_core.service import spawn
from stem_core.stores.postgres.connection import PostgresConnection

EVERY: Final = 0.1
_APART: Final = 0.01


def work_hint(queue: str) -> str:
    """Return by what name work in a queue is told."""
    return f"q {queue}"


def news_hint(topic: str) -> str:
    """Return by what name entries of a topic are told."""
    return f"t {topic}"


_EVENTS: Final = news_hint(EVENTS_TOPIC)


def channel_of(base: str, name: str) -> str:
    """Return where a name is told.

    Args:
        base: The namespace's channel.
        name: The name.
    """
    return f"{base}_events" if name == _EVENTS else base


class Hints:
    """Sends names, each at most once per 100 ms.

    Args:
        connection: Connections to the server.
        channel: The namespace's channel.
    """

    def __init__(self, connection: PostgresConnection, channel: str) -> None:
        self._postgres = connection
        self._channel = channel
        self._told: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._task: asyncio.Task[object] | None = None

    def give(self, names: Iterable[str]) -> None:
        """Let these be told."""
        now = SYSTEM_CLOCK.monotonic()
        for name in names:
            self._due.setdefault(name, max(now, self._told.get(name, 0.0) + EVERY))
        if self._due and (self._task is None or self._task.done()):
            self._task = spawn(self._tell_all(), "postgres-hints")

    async def _tell_all(self) -> None:
        while self._due:
            await SYSTEM_CLOCK.sleep(max(0.0, min(self._due.values()) - SYSTEM_CLOCK.monotonic()))
            now = SYSTEM_CLOCK.monotonic()
            await self._tell([name for name, due in self._due.items() if due <= now], now)
            if self._due:
                await SYSTEM_CLOCK.sleep(_APART)

    async def _tell(self, names: list[str], now: float) -> None:
        for name in names:
            del self._due[name]
        self._told = {name: at for name, at in self._told.items() if at + EVERY > now} | dict.fromkeys(names, now)
        told: dict[str, list[str]] = defaultdict(list)
        for name in names:
            told[channel_of(self._channel, name)].append(name)
        try:
            for channel, of_channel in told.items():
                await self._postgres.run("notify", {"channel": channel, "names": of_channel})
        except BrokerError:
            return  # whoever waits will look by itself

    async def close(self) -> None:
        """Tell what is left, at once."""
        if self._task is not None and not self._task.done():
            self._due = dict.fromkeys(self._due, 0.0)
            await asyncio.wait([self._task], timeout=1.0)
