"""A scheduler: enqueues what is due, beside any number of others that do the same."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Protocol, Self

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.errors import BrokerError, ConfigurationError, UsageError
from stem_core.refusals import RefusalLog
from stem_core.reporting import Frames, Reporter
from stem_core.schedule.applying import FROM_CODE, apply_entries
from stem_core.schedule.dispatch import Dispatcher, Sender
from stem_core.schedule.entry import ScheduleEntry
from stem_core.schedule.rounds import Rounds
from stem_core.service import cancel, spawn, supervise
from stem_core.stores.port import Broker, ResultBackend
from stem_core.text import visible

log: Final = logging.getLogger("stem.schedule")

_LAST_WORDS: Final = 2.0
_LONGEST_ROUND: Final = 5.0


class Scheduling(Sender, Protocol):
    """What a scheduler works with; `Stem` is it."""

    @property
    def schedules(self) -> Mapping[str, ScheduleEntry]:
        """Entries defined in the program, by name."""

    async def connect(self) -> tuple[Broker, ResultBackend]:
        """Return the connections of the running event loop."""


class Scheduler:
    """Enqueues the tasks of all schedules of a namespace when they are due.

    Any number of schedulers may run; each tick is sent once. On its start it puts the entries that the program defines
    into the store, where the command line and all other schedulers see them.

    Args:
        stem: Where tasks are enqueued. A task that its registry knows goes where its options say.
        entries: Further entries, beside those of `stem.schedule`.
        name: Its name in events; `scheduler-<pid>@<host>` if None.
        clock: Source of time between two questions to the broker, whose time counts.
    """

    def __init__(
        self,
        stem: Scheduling,
        entries: Iterable[ScheduleEntry] = (),
        *,
        name: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.name = f"scheduler-{os.getpid()}@{socket.gethostname()}" if name is None else name
        self._stem = stem
        self._entries = tuple(entries)
        self._clock = clock
        self._boot = uuid.uuid4().hex[:12]
        self._stopping = asyncio.Event()
        self._connected = True
        self._where = ""
        self._frames: Frames | None = None
        self._main: asyncio.Task[object] | None = None
        self._beside: list[asyncio.Task[object]] = []

    async def start(self) -> None:
        """Start; returns once the program's entries are in the store and what is due is being sent.

        Raises:
            BrokerUnavailableError: The broker cannot be reached.
            ConfigurationError: Messages are signed, and there is no key to sign with.
            UsageError: It was started before.
        """
        if self._main is not None:
            raise UsageError(f"scheduler {self.name!r} was started already", "make a new Scheduler for each start")
        signer = self._stem.signer
        if signer is not None and not signer.can_sign:
            raise ConfigurationError(
                "a scheduler signs what it sends, and this one has no key to sign with",
                "set STEM_SIGNING_PRIVATE_KEYS and STEM_SIGNING_ACTIVE_KEY where schedules are served",
            )
        broker, backend = await self._stem.connect()
        self._where = broker.location
        self._frames = frames = Frames(broker, self.name, self._boot, self._clock)
        reporter = Reporter(frames, "")
        dispatcher = Dispatcher(broker, backend, self._stem, reporter, f"{self.name}/{self._boot}", self._clock)
        await dispatcher.broker_clock.synchronise()
        entries = (*self._stem.schedules.values(), *self._entries)
        for change in await apply_entries(dispatcher.book, entries, FROM_CODE, dispatcher.broker_clock.now()):
            if change.kind != "same":
                log.info("schedule %s: %s", change.name, change.kind)
        refusals = RefusalLog(log, self._clock)
        rounds = Rounds(dispatcher, refusals)
        self._beside = [
            spawn(supervise(run, self._trouble, self._clock.sleep), f"{self.name}-{what}")
            for what, run in (("frames", frames.run), ("relay", reporter.relay), ("refusals", refusals.run))
        ]
        self._main = spawn(supervise(lambda: self._attend(rounds), self._trouble, self._pause), f"{self.name}-rounds")
        log.info("ready: %s in namespace %s", self.name, broker.namespace)

    async def run(self) -> None:
        """Start if need be, let SIGTERM and SIGINT stop it, and return when it has stopped."""
        if self._main is None:
            await self.start()
        with self._ended_by_signals():
            await self._stopping.wait()
        await self.stop()

    async def stop(self) -> None:
        """End, and return when it is done. What is being sent is finished. Twice is fine."""
        self._stopping.set()
        if self._main is None:
            return
        await asyncio.wait([self._main], timeout=_LONGEST_ROUND)
        if self._frames is not None:
            with suppress(TimeoutError, BrokerError):
                await asyncio.wait_for(self._frames.flush(), _LAST_WORDS)
        await cancel(self._main, *self._beside)
        log.info("stopped: %s", self.name)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _attend(self, rounds: Rounds) -> None:
        while not self._stopping.is_set():
            delay = await rounds.attend()
            if not self._connected:
                self._connected = True
                log.warning("the broker at %s is back", self._where)
            await self._pause(delay)

    async def _pause(self, delay: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay)

    def _trouble(self, error: Exception, delay: float) -> None:
        if not isinstance(error, BrokerError):
            log.error("an inner loop failed, trying again in %.2f s", delay, exc_info=error)
        elif self._connected:
            self._connected = False
            log.warning("no schedule can be served: %s", visible(str(error), 300))

    @contextmanager
    def _ended_by_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
