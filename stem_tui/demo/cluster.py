"""The embedded cluster: a store in a file of its own, real workers in a thread of their own."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from stem_core import (
    RoutingSubscription,
    Scheduler,
    ShutdownMode,
    SimpleTaskRegistry,
    Stem,
    StemConfig,
    Worker,
    WorkerLifecycleConfig,
)
from stem_core.client import ClusterClient
from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.errors import BrokerUnavailableError
from stem_core.schedule.entry import ScheduleEntry
from stem_core.service import cancel, spawn
from stem_core.stores import connect_broker
from stem_core.stores.port import Broker
from stem_tui.demo.load import Load
from stem_tui.demo.tasks import SEED, registry

APP: Final = "stem_tui.demo.app:stem"
"""What workers serve that join."""
RESTART_AFTER: Final = 10.0
_STARTED_WITHIN: Final = 10.0


class Post(NamedTuple):
    """A worker of the demo: its id, its queues and its slots."""

    name: str
    queues: tuple[str, ...]
    slots: int


SCHEDULES: Final = (
    ScheduleEntry("sweep", "webhooks.post", every=15, args={"url": "https://hooks.example.com/sweep"}),
    ScheduleEntry("nightly-report", "reports.build", cron="0 3 * * *", args={"report": "nightly", "pages": 12}),
)
POSTS: Final = (
    Post("pay-1@demo", ("payments",), 4),
    Post("mail-1@demo", ("emails", "webhooks", "invoices"), 4),
    Post("mixed-1@demo", ("reports", "emails"), 3),
)


class DemoSource:
    """A cluster of its own with lively work, in a directory that is removed at the end.

    Its workers live in this process; others join them while it runs, with the URL that is its location.

    Args:
        namespace: What it is called.
        seed: Where chance starts.
        clock: Its pace.
        issuer: Who is named in commands.

    Attributes:
        config: What a process is set to that joins.
        location: Where it lies.
    """

    refuses_local_workers = ""

    def __init__(
        self, namespace: str = "demo", seed: int = SEED, clock: Clock = SYSTEM_CLOCK, issuer: str = ""
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stem-", ignore_cleanup_errors=True)
        self.location = f"sqlite://{quote(Path(self._folder.name).resolve().as_posix())}/demo.db"
        self.config = StemConfig(broker_url=self.location, namespace=namespace)
        self._clock = clock
        self._seed = seed
        self._issuer = issuer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._ready: Future[None] = Future()

    async def connect(self) -> ClusterClient:
        """Start the cluster, if it does not run yet, and return a client of it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, name="stem-demo", daemon=True)
            self._thread.start()
        try:
            async with asyncio.timeout(_STARTED_WITHIN):
                await asyncio.shield(asyncio.wrap_future(self._ready))
        except TimeoutError:
            raise BrokerUnavailableError("the embedded cluster does not start") from None
        return await ClusterClient.connect(self.config, issuer=self._issuer or None)

    async def close(self) -> None:
        """Stop the cluster, wait for its thread to end, and remove its directory."""
        thread, loop, stop = self._thread, self._loop, self._stop
        if thread is not None:
            if loop is not None and stop is not None and thread.is_alive():
                loop.call_soon_threadsafe(stop.set)
            await asyncio.to_thread(thread.join, _STARTED_WITHIN)
            self._thread = None
        self._folder.cleanup()

    def _live(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits for the cluster to start
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        broker = await connect_broker(self.location, namespace=self.config.namespace)
        try:
            async with Stem(broker=broker, registry=registry(self._seed)) as stem:
                await self._work(broker, stem, self._stop)
        finally:
            await broker.close()

    async def _work(self, broker: Broker, stem: Stem, stop: asyncio.Event) -> None:
        first = [self._hire(post, broker, stem.registry) for post in POSTS]
        for worker in first:
            await worker.start()
        staff = [
            spawn(self._keep(post, worker, broker, stem), post.name) for post, worker in zip(POSTS, first, strict=True)
        ]
        scheduler = Scheduler(stem, SCHEDULES, name="scheduler@demo", clock=self._clock)
        await scheduler.start()
        load = spawn(Load(stem, self._clock, self._seed).run(), "demo-load")
        self._ready.set_result(None)
        try:
            await stop.wait()
        finally:
            await cancel(load, *staff)
            await scheduler.stop()

    def _hire(self, post: Post, broker: Broker, tasks: SimpleTaskRegistry) -> Worker:
        return Worker(
            broker=broker,
            registry=tasks,
            subscription=RoutingSubscription(queues=list(post.queues)),
            consumer_name=post.name,
            concurrency=post.slots,
            lifecycle=WorkerLifecycleConfig(install_signal_handlers=False, soft_grace_period=3.0),
            clock=self._clock,
        )

    async def _keep(self, post: Post, worker: Worker, broker: Broker, stem: Stem) -> None:
        """Be the worker's supervisor: start it again a while after it has ended."""
        try:
            while True:
                await worker.run()
                await self._clock.sleep(RESTART_AFTER)
                worker = self._hire(post, broker, stem.registry)
                await worker.start()
        finally:
            await worker.shutdown(ShutdownMode.HARD)
