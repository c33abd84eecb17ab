"""Events on their way out: to listeners in this process, and in frames to the events topic."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

from stem_core.clock import Clock
from stem_core.envelope import Envelope
from stem_core.errors import BrokerError
from stem_core.events import EVENTS_TOPIC, Event, Frame, encode_frame, event_name
from stem_core.service import Backoff
from stem_core.signals import SignalContext, StemSignals
from stem_core.stores.port import Topics

FRAME_EVENTS: Final = 512
FRAME_INTERVAL: Final = 0.1
_CAPACITY: Final = 50_000
_RELAY_LIMIT: Final = 1_000


class Frames:
    """Numbers events and publishes them in frames. Never makes its caller wait: what has no room is counted.

    Args:
        topics: Where to.
        source: Worker id, or who else tells.
        boot: Its boot.
        clock: Source of time.
        capacity: Events to keep while the broker cannot take them.
    """

    def __init__(self, topics: Topics, source: str, boot: str, clock: Clock, capacity: int = _CAPACITY) -> None:
        self._topics = topics
        self._source = source
        self._boot = boot
        self._clock = clock
        self._capacity = capacity
        self._events: list[Event] = []
        self._unsent: list[bytes] = []
        self._seq = 0
        self._full = asyncio.Event()
        self._idle = asyncio.Lock()
        self.dropped = 0

    def record(self, event: Event) -> None:
        """Keep an event for the next frame."""
        events = self._events
        if len(events) >= self._capacity:
            self.dropped += 1
            return
        events.append(event)
        if len(events) == FRAME_EVENTS:
            self._full.set()

    async def run(self) -> None:
        """Publish for ever: each 100 ms, or as soon as a frame is full."""
        backoff = Backoff()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), FRAME_INTERVAL)
            self._full.clear()
            try:
                await self.flush()
            except BrokerError:
                await self._clock.sleep(backoff.next())
            else:
                backoff.reset()

    async def flush(self) -> None:
        """Publish all there is.

        Raises:
            BrokerError: The broker did not take it; the next call tries again.
        """
        async with self._idle:
            while self._unsent or self._events:
                if not self._unsent:
                    self._seal()
                await self._topics.append(EVENTS_TOPIC, self._unsent)
                self._unsent = []

    def _seal(self) -> None:
        events = self._events[: FRAME_EVENTS * 4]
        del self._events[: FRAME_EVENTS * 4]
        at = self._clock.time()
        for start in range(0, len(events), FRAME_EVENTS):
            part = events[start : start + FRAME_EVENTS]
            self._unsent.append(encode_frame(Frame(self._source, self._boot, self._seq, at, self.dropped, part)))
            self._seq += len(part)


class Reporter:
    """Takes each event once and hands it to frames and listeners.

    Args:
        frames: The way to other processes.
        worker: Worker id, for listeners; "" if it is none.
    """

    def __init__(self, frames: Frames, worker: str) -> None:
        self.frames = frames
        self._worker = worker
        self._relay: deque[tuple[Event, SignalContext]] = deque()
        self._arrived = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def tell(
        self,
        event: Event,
        envelope: Envelope | None = None,
        result: object = None,
        error: BaseException | None = None,
    ) -> None:
        """Report; listeners hear of it in order, but a slow one makes nobody here wait."""
        self.frames.record(event)
        if StemSignals.listening(type(event)):
            self._relay.append((event, SignalContext(event_name(event), self._worker, envelope, result, error)))
            self._drained.clear()
            self._arrived.set()

    async def tell_now(
        self,
        event: Event,
        envelope: Envelope | None = None,
        result: object = None,
        error: BaseException | None = None,
    ) -> None:
        """Report, and go on when all listeners have heard of it."""
        self.frames.record(event)
        if StemSignals.listening(type(event)):
            context = SignalContext(event_name(event), self._worker, envelope, result, error)
            await StemSignals.emit(event, context)

    @property
    def behind(self) -> bool:
        """Whether listeners are so slow that slots should wait."""
        return len(self._relay) > _RELAY_LIMIT

    async def caught_up(self) -> None:
        """Wait until listeners have heard of everything."""
        await self._drained.wait()

    async def relay(self) -> None:
        """Tell listeners for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._relay:
                await StemSignals.emit(*self._relay[0])
                self._relay.popleft()
            self._drained.set()
