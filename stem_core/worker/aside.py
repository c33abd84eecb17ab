"""Endings that could not be stored: each queue's wait in a line of their own.

Queues may lie on several servers. What one of them does not take must not keep the endings of the other queues waiting,
nor their slots. Which queue it was, an error does not tell, so all that failed together is tried again queue by queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

from stem_core.errors import BrokerError
from stem_core.service import Backoff, cancel, spawn, supervise
from stem_core.text import visible
from stem_core.worker.core import Core, log
from stem_core.worker.follow import Entry

_MOST: Final = 256


class Aside:
    """A line for each queue whose endings could not be stored, until they are.

    Args:
        core: What the worker's duties share.
        store: Stores endings, and tells of them.
    """

    def __init__(self, core: Core, store: Callable[[list[Entry]], Awaitable[None]]) -> None:
        self._core = core
        self._store = store
        self._lines: dict[str, list[Entry]] = {}
        self._tasks: dict[str, asyncio.Task[object]] = {}

    @property
    def pending(self) -> int:
        """How many endings wait here."""
        return sum(map(len, self._lines.values()))

    def has_line(self, queue: str) -> bool:
        """Return whether endings of that queue have to wait here."""
        return queue in self._lines

    def put(self, entries: Iterable[Entry]) -> None:
        """Let endings wait, and store them as soon as that can be done."""
        for entry in entries:
            self._lines.setdefault(entry.job.delivery.queue, []).append(entry)
        self.resume()

    def resume(self) -> None:
        """Go on with every line that nobody sees to."""
        for queue in self._lines:
            if queue not in self._tasks:
                run = partial(self._serve, queue)
                self._tasks[queue] = spawn(
                    supervise(run, self._core.link_down, self._core.clock.sleep), f"{self._core.settings.id}-aside"
                )

    async def _serve(self, queue: str) -> None:
        core, backoff, line = self._core, Backoff(), self._lines[queue]
        has_told = False
        while line:
            batch = line[:_MOST]
            try:
                await self._store(batch)
            except BrokerError as error:
                if core.connected and not has_told:
                    has_told = True
                    log.warning("outcomes of queue %s cannot be stored: %s", visible(queue), visible(str(error), 300))
                await core.clock.sleep(backoff.next())
            else:
                core.link_up()
                backoff.reset()
                del line[: len(batch)]
        del self._lines[queue], self._tasks[queue]

    async def close(self) -> None:
        """Give up for now; what waits stays, until `resume`."""
        tasks, self._tasks = self._tasks, {}
        await cancel(*tasks.values())
