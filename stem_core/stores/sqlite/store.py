"""A file in use: a lane to write, a lane to read, and the bells. Broker and result backend work through it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self, TypeVar

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.errors import StemError
from stem_core.stores.sqlite.address import Address, parse_address
from stem_core.stores.sqlite.checks import check_place
from stem_core.stores.sqlite.connection import Opened, open_file
from stem_core.stores.sqlite.doorbell import Doorbell
from stem_core.stores.sqlite.lane import Lane, Work
from stem_core.stores.sqlite.transaction import Transaction
from stem_core.stores.sqlite.waiting import Bells

T = TypeVar("T")


class SqliteStore:
    """One namespace of one file. Made by `open`; belongs to the process that opened it.

    Args:
        address: The file.
        namespace: What is seen of it.
        clock: Source of time.
        poll: Seconds between looks for changes that no bell told of; None for what fits.
    """

    def __init__(
        self, address: Address, namespace: str, clock: Clock = SYSTEM_CLOCK, poll: float | None = None
    ) -> None:
        self.path = str(address.path)
        self.location = f"{address.url} namespace {namespace}"
        self.clock = clock
        self._address = address
        self._namespace = namespace
        self._is_fit = False
        self._doorbell = Doorbell(address.path)
        self.bells = Bells(self._doorbell, self._version, poll)
        self._writer = Lane("stem-sqlite-write", self.path, "BEGIN IMMEDIATE", self._open_file, clock, self.bells.ring)
        self._reader = Lane("stem-sqlite-read", self.path, "BEGIN", self._open_file, clock, self.bells.ring)

    @classmethod
    async def open(cls, url: str, namespace: str) -> Self:
        """Open a file, made if it is missing, and refuse one that is not fit.

        Raises:
            ConfigurationError: The URL or the file is not usable.
            BrokerUnavailableError: It is locked, or cannot be opened.
            BrokerFullError: There is no room for it.
        """
        store = cls(parse_address(url), namespace)
        try:
            await store.write(_nothing, _is_open)
        except BaseException:
            with suppress(StemError):
                await store.close()
            raise
        return store

    def _open_file(self) -> Opened:
        if not self._is_fit:
            check_place(self._address)
            self._is_fit = True
        return open_file(self._address, self._namespace)

    def _version(self) -> int:
        return self._reader.call_in_thread(_data_version)

    @property
    def hears_others(self) -> bool:
        """Whether other processes' changes are told by bells. Tries it out."""
        return self._doorbell.try_out()

    def write(self, work: Work[T], look: Work[T | None] | None = None) -> asyncio.Future[T]:
        """Change the file.

        Args:
            work: What to do.
            look: Reads, and returns the answer if there is nothing to write, else None.
        """
        return self._writer.call(work, look)

    def write_in_thread(self, work: Work[T]) -> T:
        """Change the file, and wait for it, from any thread."""
        return self._writer.call_in_thread(work)

    def read(self, work: Work[T]) -> asyncio.Future[T]:
        """Read from the file, never waiting for a writer."""
        return self._reader.call(work)

    async def close(self) -> None:
        """Do what was given, then let go of the file. Twice is once."""
        await self._writer.close()
        await self.bells.close()
        await self._reader.close()


def _nothing(_transaction: Transaction) -> bool:
    return True


def _is_open(_transaction: Transaction) -> bool:
    return True


def _data_version(transaction: Transaction) -> int:
    version: int = transaction.value("PRAGMA data_version")
    return version
