"""A worker: its parts, put together, and their life cycle."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from types import NoneType

from stem_core.checks import check_kind
from stem_core.client.connecting import check_connected
from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.commands import ShutdownMode
from stem_core.durations import Duration, seconds
from stem_core.errors import UsageError
from stem_core.middleware import Middleware
from stem_core.routing import RoutingSubscription
from stem_core.service import spawn
from stem_core.signing import PayloadSigner
from stem_core.snapshot import WorkerSnapshot
from stem_core.stores.port import Broker, ResultBackend
from stem_core.tasks import Enqueuer, SimpleTaskRegistry
from stem_core.worker.enqueuing import OwnStem
from stem_core.worker.interrupts import handled
from stem_core.worker.parts import Parts
from stem_core.worker.settings import (
    AppPath,
    WorkerAutoscaleConfig,
    WorkerLifecycleConfig,
    WorkerSettings,
    default_id,
    new_boot,
    subscribed,
)


class Worker:
    """Fetches jobs from queues and runs them, until it is told to stop.

    Args:
        broker: Where jobs come from. Stays open when the worker ends.
        registry: What their names stand for.
        backend: Where results go; None for the broker's own store.
        queue: The queue to fetch from, if there is no subscription.
        subscription: Queues and broadcast channels.
        consumer_name: Worker id; `stem-<pid>@<host>` if not given.
        concurrency: Slots: how many tasks run at once. The number of processors if not given.
        prefetch_multiplier: Jobs to hold for each slot, the running one included.
        heartbeat_interval: Time between heartbeats, in seconds or as a timedelta.
        autoscale: Let the number of slots follow the work; it starts at the minimum.
        lifecycle: How it and its child processes end.
        app: `package.module:attribute` of the Stem in which child processes find the tasks with
            `execution="process"`; needed if there are any.
        enqueuer: What tasks enqueue with; a `Stem` over the same broker and registry if not given.
        clock: Source of time.
        signer: Verifies what it is given, and signs what its tasks enqueue; if None, what the environment asks for.
        middleware: Stands around each run; if None, what the enqueuer has, if that is a Stem.

    Raises:
        ConfigurationError: A setting is not usable; the message names it.
        UsageError: What is given as broker or app is none.
    """

    def __init__(  # noqa: PLR0913 - the seed's public constructor
        self,
        *,
        broker: Broker,
        registry: SimpleTaskRegistry,
        backend: ResultBackend | None = None,
        queue: str = "default",
        subscription: RoutingSubscription | None = None,
        consumer_name: str | None = None,
        concurrency: int | None = None,
        prefetch_multiplier: int = 2,
        heartbeat_interval: Duration = 2.0,
        autoscale: WorkerAutoscaleConfig | None = None,
        lifecycle: WorkerLifecycleConfig | None = None,
        app: str | AppPath | None = None,
        enqueuer: Enqueuer | None = None,
        clock: Clock = SYSTEM_CLOCK,
        signer: PayloadSigner | None = None,
        middleware: Iterable[Middleware] | None = None,
    ) -> None:
        check_connected(broker)
        check_kind("app", app, (str, AppPath, NoneType), "give the place of the Stem, 'package.module:attribute'")
        sources = subscribed(queue, subscription)
        self._settings = WorkerSettings(
            id=default_id() if consumer_name is None else consumer_name,
            boot=new_boot(),
            queues=sources.queues,
            broadcasts=sources.broadcast_channels,
            concurrency=(os.cpu_count() or 1) if concurrency is None else concurrency,
            prefetch_multiplier=prefetch_multiplier,
            heartbeat_interval=seconds(heartbeat_interval),
            autoscale=autoscale,
            lifecycle=lifecycle or WorkerLifecycleConfig(),
            app=AppPath(app) if isinstance(app, str) else app,
            signer=PayloadSigner.from_environment() if signer is None else signer,
            middleware=tuple(getattr(enqueuer, "middleware", ()) if middleware is None else middleware),
        )
        self._broker = broker
        self._backend = backend
        self._registry = registry
        self._enqueuer: Enqueuer = enqueuer or OwnStem(broker, registry, backend, self._settings)
        self._clock = clock
        self._parts: Parts | None = None
        self._main: asyncio.Task[object] | None = None
        self._stop_wanted = False

    @property
    def id(self) -> str:
        """Worker id."""
        return self._settings.id

    @property
    def boot(self) -> str:
        """Id of this start."""
        return self._settings.boot

    def snapshot(self) -> WorkerSnapshot:
        """Return how the worker is now."""
        if self._parts is None:
            return WorkerSnapshot(worker=self.id, boot=self.boot, state="starting", queues=self._settings.queues)
        return self._parts.heartbeat.snapshot()

    async def start(self) -> None:
        """Start; returns once the worker fetches and hears commands.

        Raises:
            BrokerUnavailableError: The broker cannot be reached.
            UsageError: It was started before.
            ConfigurationError: It has tasks for child processes, but not the app in which these find them.
            ChildStartError: A child process does not come up.
        """
        if self._parts is not None:
            raise UsageError(f"worker {self.id!r} was started already", "make a new Worker for each start")
        if self._stop_wanted:
            return
        self._parts = parts = Parts(
            self._settings, self._broker, self._backend, self._registry, self._enqueuer, self._clock
        )
        try:
            await parts.start()
        except BaseException:
            await parts.close()
            self._parts = None
            raise
        self._main = spawn(parts.live(), f"worker-{self.id}")

    async def run(self) -> None:
        """Start if need be, handle signals, and return when the worker has ended."""
        if self._parts is None:
            await self.start()
        if self._main is None:
            return
        with handled(self, self._settings.lifecycle):
            await asyncio.shield(self._main)

    async def shutdown(self, mode: ShutdownMode = ShutdownMode.WARM, grace: Duration | None = None) -> None:
        """End, and return when it is done. Twice is fine; a harder mode overrides a milder one.

        Args:
            mode: Warm, soft or hard.
            grace: Time for running tasks in soft mode.
        """
        self._stop_wanted = True
        self.stop(mode, grace, "shutdown")
        if self._main is not None:
            await asyncio.shield(self._main)

    def stop(self, mode: ShutdownMode, grace: Duration | None = None, reason: str = "") -> None:
        """Begin to end, without waiting."""
        if self._parts is not None:
            self._parts.stopper.request(mode, None if grace is None else seconds(grace), reason)
            self._parts.heartbeat.soon()

    def interrupted(self) -> None:
        """Do what an interrupt from the keyboard asks: soft the first time, hard the second."""
        again = self._parts is not None and self._parts.stopper.mode in (ShutdownMode.SOFT, ShutdownMode.HARD)
        self.stop(ShutdownMode.HARD if again else ShutdownMode.SOFT, None, "SIGINT")
