"""Saying that the worker lives, and how it is."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psutil

from stem_core import __version__
from stem_core.commands import ORDERS, order_name
from stem_core.events import WorkerHeartbeat
from stem_core.snapshot import ChildSnapshot, RunningTask, WorkerSnapshot, encode_snapshot
from stem_core.worker.active import Job
from stem_core.worker.core import Core
from stem_core.worker.finish import Finisher
from stem_core.worker.lease import LeaseKeeper
from stem_core.worker.stopping import revoke

TTL: Final = 60.0
_SHOWN: Final = 200
_PROBE: Final = 0.25


class Heartbeat:
    """Announces a snapshot each interval, and at once when something changed.

    With each beat it also asks for revocations of what it holds, in case a message was missed, and compares clocks.

    Args:
        core: What the worker's duties share.
        finisher: For jobs that turn out to be revoked.
        leases: Whose age is shown.
    """

    def __init__(self, core: Core, finisher: Finisher, leases: LeaseKeeper) -> None:
        self._core = core
        self._finisher = finisher
        self._leases = leases
        self._soon = asyncio.Event()
        self._process = psutil.Process()
        self._process.cpu_percent(None)
        self._lag = 0.0
        self._cpu = 0.0
        self.max_concurrency: int | None = None
        self.children: Callable[[], list[ChildSnapshot]] = list

    def soon(self) -> None:
        """Beat now: something changed that others should see."""
        self._soon.set()

    async def run(self) -> None:
        """Beat for ever."""
        core = self._core
        while True:
            await self.beat()
            core.link_up()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._soon.wait(), core.settings.heartbeat_interval)
            self._soon.clear()

    async def beat(self) -> None:
        """Beat once."""
        core = self._core
        self._cpu = self._process.cpu_percent(None)
        snapshot = self.snapshot()
        self._lag = 0.0
        interval = core.settings.heartbeat_interval
        await core.broker.announce(core.settings.id, encode_snapshot(snapshot), max(TTL, 5 * interval))
        core.reporter.tell(WorkerHeartbeat(snapshot.at, core.settings.id, snapshot))
        await self._compare_clocks()
        ids = [job.delivery.id for job in core.window.held if not job.settling]
        if ids:
            revoke(core, self._finisher, await core.broker.revoked(ids))

    async def _compare_clocks(self) -> None:
        before = self._core.clock.time()
        there = await self._core.broker.time()
        self._core.offset = there - (before + self._core.clock.time()) / 2

    async def probe(self) -> None:
        """Measure for ever how late the event loop is."""
        clock = self._core.clock
        while True:
            before = clock.monotonic()
            await clock.sleep(_PROBE)
            self._lag = max(self._lag, clock.monotonic() - before - _PROBE)

    def snapshot(self, shown: int = _SHOWN) -> WorkerSnapshot:
        """Return how the worker is now, with at most `shown` of its tasks."""
        core, settings, window, counts = self._core, self._core.settings, self._core.window, self._core.counts
        running = sorted((job for job in window.running if not job.void), key=lambda job: job.started_at or 0.0)
        return WorkerSnapshot(
            worker=settings.id,
            boot=settings.boot,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            state=core.state,
            at=core.clock.time(),
            started_at=core.started_at,
            interval=settings.heartbeat_interval,
            concurrency=window.concurrency,
            max_concurrency=self.max_concurrency,
            prefetch=window.size,
            queues=settings.queues,
            broadcasts=settings.broadcasts,
            inflight=dict(Counter(job.delivery.queue for job in window.held)),
            running=tuple(_running(job) for job in running[:shown]),
            held=len(window.held),
            active=len(running),
            succeeded=counts.succeeded,
            failed=counts.failed,
            retried=counts.retried,
            cancelled=counts.cancelled,
            refused=counts.refused,
            loop_lag=round(self._lag, 4),
            lease_age=self._leases.age if window.held else None,
            rss=self._process.memory_info().rss,
            cpu=self._cpu,
            dropped=core.reporter.frames.dropped,
            reconnects=core.reconnects,
            children=tuple(self.children()[:shown]),
            capabilities=tuple(order_name(order) for order in ORDERS),
        )


def _running(job: Job) -> RunningTask:
    delivery = job.delivery
    return RunningTask(
        id=delivery.id,
        task=job.envelope.name if job.envelope is not None else "",
        queue=delivery.queue,
        attempt=delivery.attempt,
        started_at=job.started_at,
        progress=job.fraction,
        note=job.note,
    )
