"""The duties of a running worker: put together, taken up and given up in the right order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Final

from stem_core.clock import Clock
from stem_core.errors import BrokerError
from stem_core.events import WorkerInit, WorkerReady, WorkerScaled, WorkerShutdown
from stem_core.refusals import RefusalLog
from stem_core.reporting import Frames, Reporter
from stem_core.service import cancel, spawn, supervise
from stem_core.stores.port import Broker, ResultBackend, warnings_of
from stem_core.tasks import Enqueuer, SimpleTaskRegistry
from stem_core.text import visible
from stem_core.worker.active import Window
from stem_core.worker.autoscale import Autoscaler
from stem_core.worker.broadcast import Broadcasts
from stem_core.worker.children import ChildPool
from stem_core.worker.control import Control, Orders
from stem_core.worker.core import Core, log
from stem_core.worker.enqueuing import WorkerLoop
from stem_core.worker.execute import Admission, Executor, Ways
from stem_core.worker.fetch import Fetcher
from stem_core.worker.finish import Finisher
from stem_core.worker.gate import Gate
from stem_core.worker.heartbeat import Heartbeat
from stem_core.worker.inputs import Inputs
from stem_core.worker.lease import LeaseKeeper
from stem_core.worker.limits import Limits
from stem_core.worker.plan import Plans
from stem_core.worker.pool import Slots
from stem_core.worker.settings import WorkerSettings
from stem_core.worker.shutdown import Shutdown
from stem_core.worker.stopping import lease_lost
from stem_core.worker.threads import ThreadPool
from stem_core.worker.upkeep import run_upkeep
from stem_core.worker.verify import Verifier

_LAST_WORDS: Final = 2.0


class Parts:
    """The duties of a running worker."""

    def __init__(
        self,
        settings: WorkerSettings,
        broker: Broker,
        backend: ResultBackend | None,
        registry: SimpleTaskRegistry,
        enqueuer: Enqueuer,
        clock: Clock,
    ) -> None:
        window = Window(_slots_at_first(settings), settings.prefetch_multiplier, clock)
        self.frames = Frames(broker, settings.id, settings.boot, clock)
        self.reporter = Reporter(self.frames, settings.id)
        self.core = core = Core(settings, broker, clock, window, self.reporter)
        plans = Plans(registry)
        elsewhere = None if backend is None or backend.location == broker.results().location else backend
        self._warnings = warnings_of(broker, elsewhere)
        self.finisher = Finisher(core, elsewhere)
        self.leases = LeaseKeeper(broker, lambda: list(window.held), lambda job: lease_lost(core, job), clock)
        refusals = self.refusals = RefusalLog(log, clock)
        verifier = Verifier(settings.signer, broker.namespace, refusals)
        self.fetcher = Fetcher(core, plans, self.finisher, self.leases, verifier)
        self.threads = ThreadPool(f"task-{settings.id}")
        self.children = ChildPool(core, registry)
        self.limits = Limits(core)
        ways = Ways(self.threads, self.children, enqueuer, WorkerLoop(asyncio.get_running_loop()))
        admission = Admission(self.limits, Inputs(core, backend))
        executor = Executor(core, plans, self.finisher, admission, ways)
        self.slots = Slots(window, executor.execute, self.reporter)
        executor.closing = lambda: self.slots.closing
        self.heartbeat = Heartbeat(core, self.finisher, self.leases)
        self.stopper = Shutdown(core, self.fetcher, self.finisher)
        self.scaler = Autoscaler(core, settings.autoscale, self.resize)
        self.heartbeat.max_concurrency = self.scaler.maximum
        self.heartbeat.children = self.children.snapshots
        self.gate = Gate(settings.signer, broker.namespace)
        self.broadcasts = Broadcasts(core, verifier, self.gate, refusals)
        orders = Orders(core, self.finisher, self.heartbeat, self.stopper, self.scaler, self.limits)
        self.control = Control(core, orders, self.gate, refusals)
        window.on_work = self.slots.wake
        window.on_release = self.stopper.changed
        self._fetching: asyncio.Task[object] | None = None
        self._beating: asyncio.Task[object] | None = None
        self._working: list[asyncio.Task[object]] = []
        self._lasting: list[asyncio.Task[object]] = []

    def resize(self, slots: int, reason: str) -> None:
        """Change the number of slots; what the smaller window cannot hold is handed back."""
        core, window = self.core, self.core.window
        before, window.concurrency = window.concurrency, slots
        self.finisher.hand_back(window.excess())
        self.slots.adjust()
        self.children.trim()
        window.room.set()
        log.info("scaled from %d to %d slots: %s", before, slots, reason)
        core.reporter.tell(WorkerScaled(core.clock.time(), core.settings.id, before, slots, reason))
        self.heartbeat.soon()

    async def start(self) -> None:
        """Take up all duties."""
        core, settings = self.core, self.core.settings
        core.started_at = core.clock.time()
        for warning in self._warnings:
            log.warning("%s", visible(warning))
        core.reporter.tell(WorkerInit(core.started_at, settings.id))
        await self.children.open()
        core.lease = await core.broker.lease()
        self.gate.since = await core.broker.time()
        await self.control.mark_start()
        await self.broadcasts.mark_start()
        await self.limits.load()
        if self.stopper.mode is None:
            core.state = "running"
        await self.heartbeat.beat()
        self.leases.start(core.lease, settings.id)
        core.window.accepting = self.stopper.mode is None  # a signal may have come before the start was over
        self.slots.adjust()
        self._beating = self._loop(self.heartbeat.run, "heartbeat")
        self._lasting = [
            self._loop(self.frames.run, "frames"),
            self._loop(self.reporter.relay, "relay"),
            self._loop(self.finisher.run, "finish"),
            self._loop(self.finisher.follow_ups.run, "follow"),
            self._beating,
            self._loop(self.heartbeat.probe, "probe"),
            self._loop(self.control.run, "control"),
            self._loop(self.refusals.run, "refusals"),
        ]
        self._working = [
            self._loop(self.scaler.run, "autoscale"),
            self._loop(self.limits.run, "limits"),
            self._loop(self._nudge, "nudge"),
        ]
        if settings.queues:
            self._working.append(self._loop(lambda: run_upkeep(core), "upkeep"))
            self._fetching = self._loop(self.fetcher.run, "fetch")
        if settings.broadcasts:
            self._working.append(self._loop(self.broadcasts.run, "broadcasts"))
        ready = WorkerReady(
            core.clock.time(), settings.id, settings.queues, settings.broadcasts, core.window.concurrency
        )
        await core.reporter.tell_now(ready)
        log.info("ready: %s on %s, %d slots", settings.id, ", ".join(settings.queues), core.window.concurrency)

    def _loop(self, run: Callable[[], Coroutine[object, object, None]], name: str) -> asyncio.Task[object]:
        return spawn(self._guarded(run), f"{self.core.settings.id}-{name}")

    async def _guarded(self, run: Callable[[], Coroutine[object, object, None]]) -> None:
        try:
            await supervise(run, self.core.link_down, self.core.clock.sleep)
        except asyncio.CancelledError:
            if self.stopper.mode is None:
                self.slots.closing = True  # the loop itself is torn down
            raise

    async def _nudge(self) -> None:
        # A slot may go on once a job that wants to run alone has waited long enough; nobody else would notice.
        while True:
            await self.core.clock.sleep(1.0)
            self.slots.wake()

    async def live(self) -> None:
        """Return when the worker was asked to end and has ended."""
        try:
            await self.stopper.run()
        finally:
            await self.close()

    async def close(self) -> None:
        """Give all duties up, the heartbeat and the control listener last."""
        core = self.core
        self.fetcher.close()
        await cancel(*self._working)
        if self._fetching is not None:
            await asyncio.wait([self._fetching], timeout=_LAST_WORDS)
        await self.slots.close()
        self.threads.close()
        await self.children.close()
        core.state = "stopping"
        core.reporter.tell(WorkerShutdown(core.clock.time(), core.settings.id, self.stopper.reason))
        if self._lasting:
            with suppress(TimeoutError, BrokerError):
                await asyncio.wait_for(self._last_words(), _LAST_WORDS)
        await cancel(*self._lasting, self._fetching)
        await self.leases.stop()
        log.info("stopped: %s", core.settings.id)

    async def _last_words(self) -> None:
        await self.reporter.caught_up()
        await self.frames.flush()
        await cancel(self._beating)  # or it might announce who was just withdrawn
        await self.core.broker.withdraw(self.core.settings.id)


def _slots_at_first(settings: WorkerSettings) -> int:
    autoscale = settings.autoscale
    return settings.concurrency if autoscale is None or not autoscale.enabled else autoscale.min_concurrency
