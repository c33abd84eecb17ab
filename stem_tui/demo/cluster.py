"""The embedded cluster: a broker in memory, real workers in a thread of their own."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from typing import Final, NamedTuple

from stem_core import (
    InMemoryBroker,
    RoutingSubscription,
    ShutdownMode,
    SimpleTaskRegistry,
    Stem,
    Worker,
    WorkerLifecycleConfig,
)
from stem_core.client import ClusterClient
from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.errors import BrokerUnavailableError
from stem_core.service import cancel, spawn
from stem_core.signing import PayloadSigner
from stem_tui.demo.load import Load
from stem_tui.demo.tasks import SEED, registry

RESTART_AFTER: Final = 10.0
_STARTED_WITHIN: Final = 10.0


class Post(NamedTuple):
    """A worker of the demo: its id, its queues and its slots."""

    name: str
    queues: tuple[str, ...]
    slots: int


POSTS: Final = (
    Post("pay-1@demo", ("payments",), 4),
    Post("mail-1@demo", ("emails", "webhooks"), 4),
    Post("mixed-1@demo", ("reports", "emails"), 3),
)


class DemoSource:
    """A cluster of its own inside this process, with lively work.

    Args:
        namespace: What it is called.
        seed: Where chance starts.
        clock: Its pace.
        issuer: Who is named in commands.
    """

    refuses_local_workers = "the demo's broker lives in this process; another process cannot reach it"

    def __init__(
        self, namespace: str = "demo", seed: int = SEED, clock: Clock = SYSTEM_CLOCK, issuer: str = ""
    ) -> None:
        self.location = "embedded"
        self._clock = clock
        self._seed = seed
        self._issuer = issuer
        self._broker = InMemoryBroker(namespace, clock)
        self._signer = PayloadSigner(keys={"demo": os.urandom(32)})  # whatever keys the environment has for real ones
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
        return ClusterClient(self._broker, issuer=self._issuer or None, signer=self._signer)

    async def close(self) -> None:
        """Stop the cluster and wait for its thread to end."""
        thread, loop, stop = self._thread, self._loop, self._stop
        if thread is None:
            return
        if loop is not None and stop is not None and thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        await asyncio.to_thread(thread.join, _STARTED_WITHIN)
        self._thread = None

    def _live(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits for the cluster to start
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks = registry(self._seed)
        async with Stem(broker=self._broker, registry=tasks, signer=self._signer) as stem:
            first = [self._hire(post, tasks) for post in POSTS]
            for worker in first:
                await worker.start()
            staff = [
                spawn(self._keep(post, worker, stem), post.name) for post, worker in zip(POSTS, first, strict=True)
            ]
            load = spawn(Load(stem, self._clock, self._seed).run(), "demo-load")
            self._ready.set_result(None)
            try:
                await self._stop.wait()
            finally:
                await cancel(load, *staff)

    def _hire(self, post: Post, tasks: SimpleTaskRegistry) -> Worker:
        return Worker(
            broker=self._broker,
            registry=tasks,
            subscription=RoutingSubscription(queues=list(post.queues)),
            consumer_name=post.name,
            concurrency=post.slots,
            lifecycle=WorkerLifecycleConfig(install_signal_handlers=False, soft_grace_period=3.0),
            clock=self._clock,
            signer=self._signer,
        )

    async def _keep(self, post: Post, worker: Worker, stem: Stem) -> None:
        """Be the worker's supervisor: start it again a while after it has ended."""
        try:
            while True:
                await worker.run()
                await self._clock.sleep(RESTART_AFTER)
                worker = self._hire(post, stem.registry)
                await worker.start()
        finally:
            await worker.shutdown(ShutdownMode.HARD)
