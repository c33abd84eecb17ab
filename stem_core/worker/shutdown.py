"""How a worker comes to its end: warm, soft, hard, and back again from a drain."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from stem_core.commands import ShutdownMode
from stem_core.durations import seconds
from stem_core.events import WorkerStopping
from stem_core.worker.active import WorkerStops
from stem_core.worker.core import Core, log
from stem_core.worker.fetch import Fetcher
from stem_core.worker.finish import Finisher

_LOOK: Final = 1.0
_NEVER: Final = float("inf")
_AWAY: Final = "the broker is away"
_RANK: Final = {ShutdownMode.WARM: 0, ShutdownMode.SOFT: 1, ShutdownMode.HARD: 2}


class Shutdown:
    """Knows whether and how the worker ends, and leads it there.

    Args:
        core: What the worker's duties share.
        fetcher: Stopped and started.
        finisher: Takes what is handed back.
    """

    def __init__(self, core: Core, fetcher: Fetcher, finisher: Finisher) -> None:
        self._core = core
        self._fetcher = fetcher
        self._finisher = finisher
        self._changed = asyncio.Event()
        self._grace: float | None = None
        self._soft_until = _NEVER
        self._alone_until = _NEVER
        self._ending = False
        self.mode: ShutdownMode | None = None
        self.reason = ""

    def request(self, mode: ShutdownMode, grace: float | None, reason: str) -> int:
        """Begin to end; a milder request than the current one changes nothing.

        Args:
            mode: How.
            grace: Seconds that tasks get in soft mode, None for the worker's setting.
            reason: Who asked, for events.

        Returns:
            Number of unstarted jobs handed back.
        """
        if self.mode is not None and _RANK[mode] <= _RANK[self.mode]:
            return 0
        self.mode, self._grace, self.reason = mode, grace, reason
        core = self._core
        core.state = "draining" if mode is ShutdownMode.WARM else "stopping"
        core.window.accepting = False
        self._fetcher.interrupt()
        waiting = core.window.withdraw(lambda _job: True)
        returned = self._finisher.hand_back(waiting)
        log.info("stopping (%s, %s): %d running, %d handed back", mode, reason, self.active, returned)
        core.reporter.tell(WorkerStopping(core.clock.time(), core.settings.id, str(mode), reason))
        self._changed.set()
        return returned

    def undrain(self, reason: str) -> bool:
        """Take a drain back; returns whether the worker runs on."""
        if self._ending or (self.mode is not None and self.mode is not ShutdownMode.WARM):
            return False
        if self.mode is not None:
            core = self._core
            self.mode = None
            core.state = "running"
            core.window.accepting = True
            core.window.room.set()
            core.reporter.tell(WorkerStopping(core.clock.time(), core.settings.id, "none", reason))
            log.info("the drain was taken back (%s)", reason)
            self._changed.set()
        return True

    def changed(self) -> None:
        """Look again: a job ended."""
        if self.mode is not None:
            self._changed.set()

    @property
    def active(self) -> int:
        """Tasks that run and whose outcome counts."""
        return sum(not job.void for job in self._core.window.running)

    def _idle(self) -> bool:
        return not (self.active or self._core.window.held or self._fetcher.fetching)

    async def run(self) -> None:
        """Return once the worker was asked to end and nothing is left to wait for."""
        loop = asyncio.get_running_loop()
        while self.mode is not ShutdownMode.HARD:
            self._changed.clear()
            if self.mode is not None and self._idle():
                break
            if self.mode is ShutdownMode.SOFT and self._soft_until == _NEVER:
                grace = self._core.settings.lifecycle.soft_grace_period if self._grace is None else self._grace
                self._soft_until = loop.time() + seconds(grace)
                self._tell_running()
            until = self._patient_until(loop.time())
            left = until - loop.time()
            if left <= 0:
                self.request(ShutdownMode.HARD, None, "the grace is over" if until == self._soft_until else _AWAY)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if self.mode is None else min(left, _LOOK))
        self._ending = True
        self._core.state = "stopping"
        if self.mode is ShutdownMode.HARD:
            await self._cut()

    def _patient_until(self, now: float) -> float:
        """Return when what is waited for is given up.

        A drain waits for tasks as long as they run, but not for ever for a broker that does not take their outcomes:
        after a lease without it, it would give the jobs to others anyway.
        """
        is_taken = self._core.connected and not self._finisher.waiting
        if self.mode is not ShutdownMode.WARM or self.active or is_taken:
            self._alone_until = _NEVER
            return self._soft_until
        if self._alone_until == _NEVER:
            self._alone_until = now + self._core.lease
            log.warning(
                "%d outcomes wait for the broker; it gets %.0f s", len(self._core.window.held), self._core.lease
            )
        return self._alone_until

    def _tell_running(self) -> None:
        for job in list(self._core.window.running):
            if job.stop is None:
                job.tell(WorkerStops("the worker stops"))

    async def _cut(self) -> None:
        """Hand back what runs, and give the store a last chance to hear of it."""
        for job in list(self._core.window.running):
            if not job.void:
                self._finisher.hand_back([job])
                job.void = True
                job.tell(WorkerStops("the worker stops at once"))
        within = seconds(self._core.settings.lifecycle.force_shutdown_after)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled(), within)
        if self._core.window.held:
            log.error("%d jobs could not be handed back; their leases will end", len(self._core.window.held))

    async def _settled(self) -> None:
        while self._core.window.held or self._fetcher.fetching:
            self._changed.clear()
            await self._changed.wait()
