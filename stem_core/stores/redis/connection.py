"""Calls to Redis, whatever there is of it: one server, a cluster, a service watched by sentinels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from redis.exceptions import NoScriptError

from stem_core.errors import BrokerUnavailableError, ConfigurationError, StemError
from stem_core.stores.redis.failures import DRIVER_ERRORS, translate
from stem_core.stores.redis.scripts import script

Argument: TypeAlias = str | bytes | int | float

LONGEST_BLOCK: Final = 2.0


class Call(NamedTuple):
    """One call of a script."""

    name: str
    keys: Sequence[str]
    arguments: Sequence[Argument]

    def words(self) -> tuple[Argument, ...]:
        """Return the command for a server that knows the script."""
        return ("EVALSHA", script(self.name).sha, *self._given())

    def words_in_full(self) -> tuple[Argument, ...]:
        """Return the command for one that does not; it will know it from then on."""
        return ("EVAL", script(self.name).text, *self._given())

    def _given(self) -> tuple[Argument, ...]:
        # While a slot is being moved, a cluster refuses what names several keys and does not find all on one side. A
        # queue's scripts name but a prefix, and would run on whichever side, so a second name beside it is given.
        keys = self.keys if len(self.keys) > 1 else (*self.keys, f"{self.keys[0]}*")
        return (len(keys), *keys, *self.arguments)


class RedisConnection(ABC):
    """What the store asks of Redis. Each topology says how commands find their server.

    All keys of one command, and of one script, must share a hash tag.

    Args:
        location: The address, without credentials.

    Attributes:
        warnings: What an operator should know, a sentence each.
        opened: Whether the servers were found fit.
        closed: Whether all was given up.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.warnings: tuple[str, ...] = ()
        self.opened = False
        self.closed = False

    async def command(self, *words: Argument) -> object:
        """Send one command.

        Raises:
            BrokerError: Or one of its subclasses, if Redis refuses or cannot be reached.
        """
        try:
            return await self._send(words)
        except DRIVER_ERRORS as error:
            raise self._translated(error) from error

    async def block(self, *words: Argument) -> object:
        """Send one command that may block for up to `LONGEST_BLOCK`, on a connection that is closed if cancelled."""
        try:
            return await self._wait(words)
        except DRIVER_ERRORS as error:
            raise self._translated(error) from error

    async def run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> object:
        """Call one script."""
        call = Call(name, keys, arguments)
        try:
            try:
                return await self._send(call.words())
            except NoScriptError:
                return await self._send(call.words_in_full())
        except DRIVER_ERRORS as error:
            raise self._translated(error) from error

    async def run_many(self, calls: Sequence[Call]) -> list[object]:
        """Call scripts in one round trip; the first error is raised once all were tried."""
        return [self.check(reply) for reply in await self.try_many(calls)]

    async def try_many(self, calls: Sequence[Call]) -> list[object]:
        """Call scripts in one round trip; an error, in the port's words, takes its call's place."""
        if len(calls) == 1:
            return [await self._try(calls[0])]
        replies = await self.commands([call.words() for call in calls])
        return [
            await self._try(call) if isinstance(reply, NoScriptError) else self._told(reply)
            for call, reply in zip(calls, replies, strict=True)
        ]

    async def _try(self, call: Call) -> object:
        try:
            return await self.run(*call)
        except StemError as error:
            return error

    async def commands(self, batch: Sequence[Sequence[Argument]]) -> list[object]:
        """Send commands in one round trip to each server; an error reply takes its command's place."""
        if not batch:
            return []
        try:
            return await self._send_many(batch)
        except DRIVER_ERRORS as error:
            raise self._translated(error) from error

    def check(self, reply: object) -> object:
        """Return a reply of `commands` or `try_many`, or raise the error that took its place."""
        told = self._told(reply)
        if isinstance(told, StemError):
            raise told from told.__cause__
        return reply

    def _told(self, reply: object) -> object:
        if not isinstance(reply, Exception) or isinstance(reply, StemError):
            return reply
        error = self._translated(reply)
        error.__cause__ = reply
        return error

    def _translated(self, error: Exception) -> StemError:
        told = translate(error, self.location)
        if self.opened and isinstance(told, ConfigurationError):
            # What was fit once is an outage now: a login or a certificate is being changed, and workers must live on.
            return BrokerUnavailableError(told.message, told.hint)
        return told

    @abstractmethod
    async def everywhere(self, *words: Argument) -> list[object]:
        """Send one command to each server that holds data."""

    @abstractmethod
    def together(self, keys: Sequence[str]) -> list[list[str]]:
        """Return keys in groups, of each of which one command may name all."""

    @abstractmethod
    def run_in_thread(self, calls: Sequence[Call]) -> list[object]:
        """Call scripts from another thread, blocking, on a connection of its own."""

    @abstractmethod
    async def close(self) -> None:
        """Close all connections. Twice is once."""

    @abstractmethod
    async def _send(self, words: Sequence[Argument]) -> object:
        """Send one command to where its key lies; raises the driver's errors, as the other two do."""

    @abstractmethod
    async def _wait(self, words: Sequence[Argument]) -> object: ...

    @abstractmethod
    async def _send_many(self, batch: Sequence[Sequence[Argument]]) -> list[object]: ...
