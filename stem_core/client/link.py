"""A producer's connections in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, TypeAlias

from stem_core.client.producer import Producer
from stem_core.client.waiting import ResultPoller
from stem_core.service import spawn
from stem_core.stores.port import Broker, ResultBackend

Connector: TypeAlias = Callable[[], Awaitable[tuple[Broker, ResultBackend]]]

# A link that nobody refers to any more must still be closed by its event loop, not torn apart by the collector.
_open: Final[set[Link]] = set()


class Link:
    """Connects on first use, and gives everything up when its event loop ends, if nobody did before.

    Args:
        owned: Whether the connections are this link's own, to be closed with it.

    Attributes:
        lent: Whether somebody was handed the connections, and may use them longer than the link's Stem is there.
    """

    broker: Broker
    backend: ResultBackend
    producer: Producer
    poller: ResultPoller

    def __init__(self, *, owned: bool) -> None:
        self._owned = owned
        self._lock = asyncio.Lock()
        self._keeper: AsyncGenerator[None, None] | None = None
        self._parting: asyncio.Task[object] | None = None
        self.ready = False
        self.lent = False

    async def connect(self, connector: Connector) -> None:
        """Connect, if that has not happened yet; the connector says how."""
        async with self._lock:
            if self.ready:
                return
            self.broker, self.backend = await connector()
            self.producer = Producer(self.broker)
            self.poller = ResultPoller(self.broker, self.backend)
            # asyncio.run closes unfinished asynchronous generators before it closes the loop: the one moment at which
            # connections can still be closed in order by someone who was never told to.
            self._keeper = self._keep()
            await anext(self._keeper)
            if self._owned:
                _open.add(self)
            self.ready = True

    async def close(self) -> None:
        """Send what was given, then give the connections up."""
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            await keeper.aclose()

    def part(self) -> None:
        """Do what `close` does, soon, since nobody is there any more to await it."""
        if self.ready:
            self.ready = False
            self._parting = spawn(self._give_up(), "stem-parting")

    async def _keep(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self.ready = False
            if not _is_running():
                _open.discard(self)
            elif self._parting is None:
                await self._give_up()
            else:
                await asyncio.wait([self._parting])
                if self in _open:  # an event loop that ends has cancelled it
                    await self._give_up()

    async def _give_up(self) -> None:
        await self.producer.close()
        await self.poller.close()
        if self._owned:
            await self.backend.close()
            await self.broker.close()
        _open.discard(self)


def _is_running() -> bool:
    """Return whether an event loop is here; a program may end without having closed its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def part_all(links: Mapping[asyncio.AbstractEventLoop, Link]) -> None:
    """Close the links of a Stem that is gone, each in its event loop; to be called from any thread."""
    for loop, link in list(links.items()):
        if not link.lent:
            with suppress(RuntimeError):  # the loop has ended, and its links with it
                loop.call_soon_threadsafe(link.part)
