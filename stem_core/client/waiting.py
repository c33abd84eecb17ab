"""Waiting for tasks to end: one poller for all who wait in one event loop."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from typing import Final

from stem_core.errors import BrokerUnavailableError, RecordInvalidError
from stem_core.results import TaskStatus, status_of_record
from stem_core.service import Backoff, cancel, spawn
from stem_core.stores.port import Broker, ResultBackend

_FIRST_LOOK: Final = 0.002
_LONGEST_REST: Final = 0.2
_GROWTH: Final = 1.4
_LOOKS_PER_CALL: Final = 500


class _Wait:
    """The looking for one task; `due` is when to look next."""

    __slots__ = ("due", "futures", "rest", "task_id")

    def __init__(self, task_id: str, now: float) -> None:
        self.task_id = task_id
        self.rest = _FIRST_LOOK
        self.due = now + _FIRST_LOOK
        self.futures: set[asyncio.Future[TaskStatus]] = set()

    def __lt__(self, other: _Wait) -> bool:
        return self.due < other.due


class ResultPoller:
    """Asks for all results that are waited for in batches; often for young waits, less and less for old ones.

    A store that cannot be reached does not end a wait: it may be back in time.
    """

    def __init__(self, broker: Broker, backend: ResultBackend) -> None:
        self._backends = [backend] if backend.location == broker.location else [backend, broker.results()]
        self._waits: dict[str, _Wait] = {}
        self._heap: list[_Wait] = []
        self._task: asyncio.Task[object] | None = None
        self._more = asyncio.Event()
        self.trouble: BrokerUnavailableError | None = None

    async def wait(self, task_id: str) -> TaskStatus:
        """Return the status of a task once it has ended. Cancelling is safe."""
        loop = asyncio.get_running_loop()
        wait = self._waits.get(task_id)
        if wait is None:
            wait = self._waits[task_id] = _Wait(task_id, loop.time())
            heapq.heappush(self._heap, wait)
            self._more.set()
        future: asyncio.Future[TaskStatus] = loop.create_future()
        wait.futures.add(future)
        if self._task is None or self._task.done():
            self._task = spawn(self._run(), "stem-result-poller")
        try:
            return await future
        finally:
            wait.futures.discard(future)
            if not wait.futures and self._waits.get(task_id) is wait:
                del self._waits[task_id]

    async def close(self) -> None:
        """Stop; whoever still waits is cancelled."""
        for wait in self._waits.values():
            for future in wait.futures:
                future.cancel()
        # With nothing to wait for the task ends also if its cancellation is lost, as asyncio.wait_for may before 3.12.
        self._waits.clear()
        await cancel(self._task)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff(most=0.5)
        while self._waits:
            due = self._take_due(loop.time())
            if not due:
                await self._rest(self._heap[0].due - loop.time() if self._heap else 0.0)
                continue
            try:
                await self._look(due)
            except BrokerUnavailableError as error:
                self.trouble = error
                await asyncio.sleep(backoff.next())
            except Exception as error:  # noqa: BLE001 - it is raised to those who wait for these tasks
                self._fail(due, error)
                continue
            else:
                self.trouble = None
                backoff.reset()
            self._again(due, loop.time())

    async def _rest(self, seconds: float) -> None:
        self._more.clear()
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._more.wait()
        except TimeoutError:
            return

    def _take_due(self, now: float) -> list[_Wait]:
        due: list[_Wait] = []
        while self._heap and self._heap[0].due <= now and len(due) < _LOOKS_PER_CALL:
            wait = heapq.heappop(self._heap)
            if self._waits.get(wait.task_id) is wait:
                due.append(wait)
        return due

    async def _look(self, waits: Sequence[_Wait]) -> None:
        missing = list(waits)
        for backend in self._backends:
            records = await backend.get([wait.task_id for wait in missing])
            left = []
            for wait, record in zip(missing, records, strict=True):
                if record is None:
                    left.append(wait)
                    continue
                self._answer(wait, record)
            missing = left
            if not missing:
                return

    def _answer(self, wait: _Wait, record: bytes) -> None:
        try:
            status = status_of_record(record)
        except RecordInvalidError as error:  # of one task; those who wait for others go on
            self._fail([wait], error)
            return
        for future in wait.futures:
            if not future.done():
                future.set_result(status)
        self._waits.pop(wait.task_id, None)

    def _fail(self, waits: Sequence[_Wait], error: Exception) -> None:
        for wait in waits:
            self._waits.pop(wait.task_id, None)
            for future in wait.futures:
                if not future.done():
                    future.set_exception(error)

    def _again(self, waits: Sequence[_Wait], now: float) -> None:
        for wait in waits:
            if self._waits.get(wait.task_id) is wait:
                wait.rest = min(wait.rest * _GROWTH, _LONGEST_REST)
                wait.due = now + wait.rest
                heapq.heappush(self._heap, wait)
