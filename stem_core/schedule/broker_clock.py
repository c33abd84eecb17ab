"""The broker's time, told between two questions to the broker by our own monotonic clock."""

from __future__ import annotations

from typing import Final

from stem_core.clock import Clock
from stem_core.schedule.timing import milliseconds
from stem_core.stores.port import Queues

_TRUSTED_FOR: Final = 10.0
_SUSPENDED: Final = 0.25
"""Seconds by which wall and monotonic time may differ; more means that the machine slept or its clock was set."""


class BrokerClock:
    """What all schedulers agree on, whatever their machines' clocks say.

    Args:
        broker: Whose time.
        clock: Ours.
    """

    def __init__(self, broker: Queues, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._ahead = 0.0
        self._asked_at: float | None = None
        self._wall_ahead = 0.0

    async def synchronise(self) -> None:
        """Ask the broker, if the last answer can no longer be trusted."""
        now = self._clock.monotonic()
        drifted = abs(self._clock.time() - now - self._wall_ahead)
        if self._asked_at is not None and now - self._asked_at < _TRUSTED_FOR and drifted < _SUSPENDED:
            return
        theirs = await self._broker.time()
        answered = self._clock.monotonic()
        self._ahead = theirs - (now + answered) / 2
        self._asked_at = answered
        self._wall_ahead = self._clock.time() - answered

    def now(self) -> int:
        """Return milliseconds since the epoch."""
        return milliseconds(self._clock.monotonic() + self._ahead)
