"""Hearing that there may be something.

A connection of its own listens to each channel that somebody wants to hear. It is asked for a sign of life now and
then, so that one that is only half open does not pass for silence. While it is down, those who wait still look once a
second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from psycopg import sql

from stem_core.clock import SYSTEM_CLOCK
from stem_core.service import Backoff, cancel, spawn
from stem_core.stores.postgres.connection import ANSWER_TIMEOUT, PostgresConnection
from stem_core.stores.postgres.failures import DRIVER_ERRORS
from stem_core.stores.postgres.hints import channel_of
from stem_core.stores.postgres.pool import Connection

_SIGN_OF_LIFE: Final = 10.0
_TELL_ME: Final = "SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))"
"""As long as a session has this lock, what is told is sent."""


class Listener:
    """Wakes those who wait for a name. Begins to listen when the first one does.

    Args:
        connection: How to reach the server.
        channel: The namespace's channel.
    """

    def __init__(self, connection: PostgresConnection, channel: str) -> None:
        self._postgres = connection
        self._channel = channel
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._tasks: dict[str, asyncio.Task[object]] = {}

    @contextmanager
    def hear(self, names: Iterable[str]) -> Iterator[asyncio.Event]:
        """Give an event that is set when one of these names is told; whoever looks after this misses nothing."""
        names = tuple(names)
        for channel in {channel_of(self._channel, name) for name in names} - self._tasks.keys():
            self._tasks[channel] = spawn(self._listen_on(channel), "postgres-listen")
        event = asyncio.Event()
        for name in names:
            self._waiting.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            for name in names:
                self._waiting[name].discard(event)
                if not self._waiting[name]:
                    del self._waiting[name]

    async def _listen_on(self, channel: str) -> None:
        backoff = Backoff()
        while True:
            try:
                session = await self._postgres.open_session()
                try:
                    await self._listen(session, channel, backoff)
                finally:
                    await session.close()
            except DRIVER_ERRORS:
                self._wake_all()
                await SYSTEM_CLOCK.sleep(backoff.next())

    async def _listen(self, session: Connection, channel: str, backoff: Backoff) -> None:
        await session.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        await session.execute(_TELL_ME, [channel])
        backoff.reset()
        self._wake_all()
        while True:
            async for heard in session.notifies(timeout=_SIGN_OF_LIFE):
                for event in self._waiting.get(heard.payload, ()):
                    event.set()
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await session.execute("SELECT 1")

    def _wake_all(self) -> None:
        """Let everyone look: something may have been told while nobody listened, or the server may be gone."""
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def close(self) -> None:
        """Stop listening."""
        await cancel(*self._tasks.values())
