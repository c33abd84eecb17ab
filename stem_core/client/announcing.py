"""Telling listeners in this process about what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from stem_core.client.preparing import Prepared
from stem_core.events import AfterTaskPublish, BeforeTaskPublish, event_name
from stem_core.signals import SignalContext, StemSignals

PublishEvent: TypeAlias = type[BeforeTaskPublish | AfterTaskPublish]


async def announce(event: PublishEvent, jobs: Sequence[Prepared], at: float) -> None:
    """Call the listeners of an event for each job; costs next to nothing if there are none."""
    if not StemSignals.listening(event):
        return
    for job in jobs:
        envelope = job.envelope
        await StemSignals.emit(
            event(at, envelope.id, envelope.name, envelope.queue, 0),
            SignalContext(event_name(event), envelope=envelope),
        )
