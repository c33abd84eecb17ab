"""Leases belong to the worker's life: renewed from a thread of its own, whatever the event loop is doing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from stem_core.clock import Clock
from stem_core.delivery import Delivery
from stem_core.errors import BrokerError
from stem_core.service import Backoff
from stem_core.stores.port import Queues
from stem_core.text import visible
from stem_core.worker.active import Job
from stem_core.worker.core import log

_SHARE: Final = 3
_BATCH: Final = 1_000


class LeaseKeeper:
    """Renews the leases of all held jobs each third of a lease.

    A C call that holds the interpreter's lock for longer than the lease stops this thread too.

    Args:
        broker: Its `renew` is blocking and thread-safe.
        held: Returns the jobs held now; called in the thread, so it must be one atomic step.
        lost: Called on the event loop for each job that another worker owns now.
        clock: Source of time.
    """

    def __init__(
        self, broker: Queues, held: Callable[[], list[Job]], lost: Callable[[Job], None], clock: Clock
    ) -> None:
        self._broker = broker
        self._held = held
        self._lost = lost
        self._clock = clock
        self._interval = 1.0
        self._now = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None
        self.renewed_at: float | None = None

    def start(self, lease: float, name: str) -> None:
        """Start the thread.

        Args:
            lease: The namespace's lease in seconds.
            name: Worker id, for the thread's name.
        """
        self._interval = lease / _SHARE
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name=f"lease-{name}", daemon=True)
        self._thread.start()

    def renew_now(self) -> None:
        """Do not wait for the next turn."""
        self._now.set()

    async def stop(self) -> None:
        """End the thread and wait for it."""
        self._ending = True
        self._now.set()
        thread = self._thread
        if thread is not None:
            await asyncio.to_thread(thread.join, 5.0)

    @property
    def age(self) -> float | None:
        """Seconds since the last renewal, None if there was none yet."""
        return None if self.renewed_at is None else max(self._clock.monotonic() - self.renewed_at, 0.0)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        backoff = Backoff()
        delay = self._interval
        while True:
            self._now.wait(delay)
            self._now.clear()
            if self._ending:
                return
            try:
                self._renew(loop)
            except BrokerError as error:
                log.debug("cannot renew leases: %s", visible(str(error), 300))
                delay = min(backoff.next(), self._interval)
            except Exception:  # noqa: BLE001 - the keeper must outlive whatever it meets, or all jobs run twice
                log.exception("renewing leases failed")
                delay = min(backoff.next(), self._interval)
            else:
                backoff.reset()
                delay = self._interval

    def _renew(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs = self._held()
        for start in range(0, len(jobs), _BATCH):
            part = jobs[start : start + _BATCH]
            deliveries: list[Delivery] = [job.delivery for job in part]
            kept = self._broker.renew(deliveries)
            for job, ours in zip(part, kept, strict=True):
                if not ours and not loop.is_closed():
                    loop.call_soon_threadsafe(self._lost, job)
        self.renewed_at = self._clock.monotonic()
