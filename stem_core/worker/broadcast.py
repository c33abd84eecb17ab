"""Broadcast channels: each worker runs each job, from its own start on. Nothing is leased or settled."""

from __future__ import annotations

from typing import Final

from stem_core.delivery import Delivery
from stem_core.events import TaskReceived
from stem_core.refusals import RefusalLog
from stem_core.routing import broadcast_topic
from stem_core.text import visible
from stem_core.worker.active import Job, Refusal
from stem_core.worker.core import Core
from stem_core.worker.gate import Gate
from stem_core.worker.verify import Verifier

_WAIT: Final = 2.0
_FULL: Final = 0.02


class Broadcasts:
    """Reads the worker's channels.

    Args:
        core: What the worker's duties share.
        verifier: Reads what comes.
        gate: Knows what came before.
        refusals: Is told what is refused.
    """

    def __init__(self, core: Core, verifier: Verifier, gate: Gate, refusals: RefusalLog) -> None:
        self._core = core
        self._verifier = verifier
        self._gate = gate
        self._refusals = refusals
        self._channels = {broadcast_topic(channel): channel for channel in core.settings.broadcasts}
        self._cursors: dict[str, str] = {}

    async def mark_start(self) -> None:
        """Note where the channels end now; only what comes later is run."""
        for topic in self._channels:
            self._cursors[topic] = await self._core.broker.tail(topic)

    async def run(self) -> None:
        """Read for ever, as long as slots keep up."""
        window = self._core.window
        while True:
            if not window.accepting or len(window.waiting) >= 2 * window.size:
                await self._core.clock.sleep(_FULL)
                continue
            for message in await self._core.broker.read(self._cursors, window.size, _WAIT):
                self._cursors[message.topic] = message.cursor
                self._take_in(message.topic, message.cursor, message.body)

    def _take_in(self, topic: str, cursor: str, body: bytes) -> None:
        core = self._core
        delivery = Delivery(id=cursor, queue=topic, body=body, owner=core.settings.owner, token=cursor)
        envelope = self._verifier.read_broadcast(delivery, self._channels[topic])
        if isinstance(envelope, Refusal):
            core.counts.refused += envelope.is_signature
            return
        fault = self._gate.broadcast_fault(envelope, core.broker_time())
        if fault:
            core.counts.refused += 1
            self._refusals.tell("broadcasts", "not fresh", f"broadcast {visible(envelope.id, 80)} is refused: {fault}")
            return
        delivery.id, delivery.priority = envelope.id, envelope.priority
        core.reporter.tell(TaskReceived(core.clock.time(), envelope.id, envelope.name, delivery.queue, 0), envelope)
        core.window.add([Job(delivery, envelope, broadcast=True)])
