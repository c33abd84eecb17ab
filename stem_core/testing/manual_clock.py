"""A clock that a test moves by hand."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from typing import Final

_START: Final = 1_750_000_000.0
_ROUNDS: Final = 20


class ManualClock:
    """Stands still until it is told to advance. For one event loop; other threads may read it.

    Args:
        start: The time that it begins with, in epoch seconds.
    """

    def __init__(self, start: float = _START) -> None:
        self._start = start
        self._passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = count()

    def time(self) -> float:
        """Return seconds since the Unix epoch."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Return the seconds that it was advanced by so far."""
        return self._passed

    @property
    def sleepers(self) -> int:
        """How many wait for it."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced by that many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._number), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let time pass: wake each sleeper at its own moment, in order, and let it go on before the next.

        What sleepers do without waiting for anything else has happened when this returns.

        Args:
            seconds: How much, 0 or more.
        """
        await _let_others_go_on()  # tasks that were just started get to their first sleep
        end = self._passed + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._passed = max(self._passed, due)
            future.set_result(None)
            await _let_others_go_on()
        self._passed = max(self._passed, end)
        await _let_others_go_on()


async def _let_others_go_on() -> None:
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
