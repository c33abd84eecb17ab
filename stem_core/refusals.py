"""Telling in the log what is refused, without letting who sends it fill the disk."""

from __future__ import annotations

import logging
from typing import Final

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.text import visible

PERIOD: Final = 60.0
"""Seconds in which a kind of refusal is told once in full, and then as a number."""


class RefusalLog:
    """Logs the first refusal of each kind at once, and of those that follow how many there were in a minute.

    Counts that must be exact are kept elsewhere; this is for people who read logs.

    Args:
        log: Where.
        clock: Source of time.
    """

    def __init__(self, log: logging.Logger, clock: Clock = SYSTEM_CLOCK) -> None:
        self._log = log
        self._clock = clock
        self._more: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], str] = {}

    def tell(self, what: str, reason: str, text: str) -> None:
        """Log a refusal, or count it.

        Args:
            what: What is refused: `tasks`, `commands`, `broadcasts` or `schedules`.
            reason: Why, one of a few words, such as `signature-missing`.
            text: The whole sentence.
        """
        kind = (what, reason)
        if kind in self._more:
            self._more[kind] += 1
            self._last[kind] = text
            return
        self._more[kind] = 0
        self._log.error("%s", visible(text, 500))

    def summarise(self) -> None:
        """Log how many more there were of each kind; a kind of which there were none is told in full again."""
        for (what, reason), more in list(self._more.items()):
            if not more:
                del self._more[what, reason]
                continue
            self._more[what, reason] = 0
            last = visible(self._last.pop((what, reason)), 500)
            self._log.error("%d more %s were refused (%s), the last: %s", more, what, reason, last)

    async def run(self) -> None:
        """Summarise each minute, and when this ends."""
        try:
            while True:
                await self._clock.sleep(PERIOD)
                self.summarise()
        finally:
            self.summarise()
