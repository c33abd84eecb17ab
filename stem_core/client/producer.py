"""Sending jobs in batches that form by themselves.

All enqueues of one turn of the event loop share one publish; while that is under way, the next ones gather. So a lone
enqueue costs one round trip, and a crowd of them hardly more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from stem_core.envelope import Sealed
from stem_core.service import spawn
from stem_core.stores.port import Broker

MAX_BATCH: Final = 512
"""Jobs per publish, so that no publish keeps a broker from others for long."""
MAX_BATCH_BYTES: Final = 4 * 1024 * 1024


class _Entry(NamedTuple):
    jobs: Sequence[Sealed]
    sent: asyncio.Future[None]


class Producer:
    """Sends jobs over one broker, from one event loop."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._waiting: deque[_Entry] = deque()
        self._sender: asyncio.Task[object] | None = None

    async def publish(self, jobs: Sequence[Sealed]) -> None:
        """Send jobs, and return once the broker has them.

        Raises:
            BrokerError: The broker refused them, or cannot be reached.
        """
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(jobs, sent))
        if self._sender is None or self._sender.done():
            self._sender = spawn(self._send_all(), "stem-producer")
        await sent

    async def close(self) -> None:
        """Wait until what was given is sent."""
        if self._sender is not None:
            await asyncio.wait([self._sender])

    async def _send_all(self) -> None:
        while self._waiting:
            entries = self._take()
            try:
                await self._send(entries)
            except asyncio.CancelledError:
                for entry in (*entries, *self._waiting):
                    entry.sent.cancel()
                self._waiting.clear()
                raise

    def _take(self) -> list[_Entry]:
        entries: list[_Entry] = []
        jobs = size = 0
        while self._waiting:
            head = self._waiting[0]
            size += sum(len(job.body) for job in head.jobs)
            if entries and (jobs + len(head.jobs) > MAX_BATCH or size > MAX_BATCH_BYTES):
                break
            self._waiting.popleft()
            if head.sent.cancelled():
                continue
            entries.append(head)
            jobs += len(head.jobs)
        return entries

    async def _send(self, entries: list[_Entry]) -> None:
        # A broker takes or refuses the jobs of one queue as a whole. One publish per queue, so that an error reaches
        # exactly those whose jobs it concerns.
        queues: dict[str, list[Sealed]] = {}
        for entry in entries:
            for job in entry.jobs:
                queues.setdefault(job.queue, []).append(job)
        errors = await asyncio.gather(*map(self._publish_one_queue, queues.values()))
        failed = {queue: error for queue, error in zip(queues, errors, strict=True) if error is not None}
        for entry in entries:
            if entry.sent.done():
                continue
            error = next((failed[job.queue] for job in entry.jobs if job.queue in failed), None) if failed else None
            if error is None:
                entry.sent.set_result(None)
            else:
                entry.sent.set_exception(error)

    async def _publish_one_queue(self, jobs: list[Sealed]) -> Exception | None:
        try:
            await self._broker.publish(jobs)
        except Exception as error:  # noqa: BLE001 - it is raised to those who wait for these jobs
            return error
        return None
