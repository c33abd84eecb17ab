"""Where the waiting jobs of each queue and priority began a moment ago.

A claim that starts there need not pass the dead entries of all that was taken since the last vacuum. A job that was
published before that place, but committed after it was passed, is found by the next look from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery
from stem_core.stores.postgres.deliveries import place_of

PRIORITIES: Final = 10
_STEP: Final = 1.0
_LOOK_FROM_THE_BEGINNING: Final = 5.0


class Heads:
    """Remembers heads for one process."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, int], int] = {}
        self._seen: dict[tuple[str, int], int] = {}
        self._stepped_at = 0.0
        self._looked_at = 0.0

    def of(self, queues: Sequence[str]) -> list[int]:
        """Return for each queue a place for each priority, 0 to look from the beginning."""
        now = SYSTEM_CLOCK.monotonic()
        if now - self._stepped_at >= _STEP:
            self._stepped_at = now
            self._used, self._seen = self._seen, {}
        if now - self._looked_at >= _LOOK_FROM_THE_BEGINNING:
            self._looked_at = now
            return []
        return [self._used.get((queue, priority), 0) for queue in queues for priority in range(PRIORITIES)]

    def saw(self, found: Iterable[Delivery]) -> None:
        """Remember the first job of each queue and priority that was taken since the last step."""
        for delivery in found:
            lane, place = (delivery.queue, delivery.priority), place_of(delivery)
            self._seen[lane] = min(place, self._seen.get(lane, place))
            if place < self._used.get(lane, 0):
                self._used[lane] = place
