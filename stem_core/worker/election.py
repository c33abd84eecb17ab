"""Electing one of many workers for what needs doing but once.

A lock in the store that soon runs out says who is elected. It spares load and guards nothing: what is done must be safe
to do twice, since who was merely silent for a while may be followed by another.
"""

from __future__ import annotations

from typing import Final

from stem_core.errors import BrokerError
from stem_core.worker.core import Core

TERM: Final = 0.5
"""Seconds after which somebody else may follow one who says nothing."""
LOOK_EVERY: Final = 0.5
"""Seconds after which the others see whether they are needed."""
_UNSURE: Final = 2.0


class Election:
    """One worker's part in an election.

    Args:
        core: What the worker's duties share.
        office: What is elected for; one lock in the store.
    """

    def __init__(self, core: Core, office: str) -> None:
        self._core = core
        self._office = office
        self._owner = core.settings.owner
        self._elected = False
        self._certain_until = 0.0

    async def won(self) -> bool:
        """Return whether this worker is the elected one. Who cannot find out is, so that no lock can stop the work."""
        now = self._core.clock.monotonic()
        if self._elected and now < self._certain_until:
            return True
        try:
            self._elected = await self._is_mine()
            self._certain_until = now + TERM / 2
        except BrokerError:
            self._elected = True
            self._certain_until = now + _UNSURE
        return self._elected

    async def _is_mine(self) -> bool:
        broker = self._core.broker
        if self._elected and await broker.relock(self._office, self._owner, TERM):
            return True
        # Most who ask are told that there is one, so they only read.
        if await broker.lock_owner(self._office) not in (None, self._owner):
            return False
        return await broker.lock(self._office, self._owner, TERM) == self._owner

    async def resign(self) -> None:
        """Let another one follow at once."""
        if self._elected:
            self._elected = False
            try:
                await self._core.broker.unlock(self._office, self._owner)
            except BrokerError:
                return  # the lock runs out by itself
