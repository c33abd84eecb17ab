"""What all duties of one worker share."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from stem_core.clock import Clock
from stem_core.delivery import Outcome
from stem_core.errors import BrokerError
from stem_core.reporting import Reporter
from stem_core.stores.port import Broker
from stem_core.text import visible
from stem_core.worker.active import Window
from stem_core.worker.settings import WorkerSettings

log: Final = logging.getLogger("stem.worker")


@dataclass(slots=True)
class Counts:
    """How jobs ended since the start, and how many messages were refused for their signature."""

    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    cancelled: int = 0
    refused: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        if outcome is Outcome.SUCCEEDED:
            self.succeeded += 1
        elif outcome is Outcome.DEAD:
            self.failed += 1
        elif outcome is Outcome.RETRY:
            self.retried += 1
        elif outcome is Outcome.REVOKED:
            self.cancelled += 1


@dataclass(slots=True)
class Core:
    """What all duties of one worker share.

    Attributes:
        settings: Who it is.
        broker: The store.
        clock: Source of time.
        window: What it holds.
        reporter: Where events go.
        lease: The namespace's lease in seconds.
        state: `starting`, `running`, `draining`, `stopping` or `stopped`.
        started_at: Epoch seconds.
        offset: The broker's clock minus ours, in seconds.
        connected: Whether the last that was heard of the broker is good.
        reconnects: How often the broker was back after it had been lost.
        counts: How jobs ended.
    """

    settings: WorkerSettings
    broker: Broker
    clock: Clock
    window: Window
    reporter: Reporter
    lease: float = 15.0
    state: str = "starting"
    started_at: float = 0.0
    offset: float = 0.0
    connected: bool = True
    reconnects: int = 0
    counts: Counts = field(default_factory=Counts)

    def broker_time(self) -> float:
        """Return epoch seconds by the broker's clock, as well as we know."""
        return self.clock.time() + self.offset

    def link_down(self, error: Exception, delay: float) -> None:
        """Note that something failed; a lost connection is logged once."""
        if not isinstance(error, BrokerError):
            log.error("an inner loop failed, trying again in %.2f s", delay, exc_info=error)
        elif self.connected:
            self.connected = False
            log.warning("lost the broker at %s: %s", self.broker.location, visible(str(error), 300))

    def link_up(self) -> None:
        """Note that the broker answers."""
        if not self.connected:
            self.connected = True
            self.reconnects += 1
            log.warning("the broker at %s is back", self.broker.location)
