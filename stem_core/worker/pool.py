"""The slots: long-lived tasks that take jobs from the window and run them, one at a time each."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from stem_core.reporting import Reporter
from stem_core.service import cancel, spawn
from stem_core.worker.active import Job, Window
from stem_core.worker.core import log

_BREATH: Final = 8
_STUBBORN: Final = 1.0


class Slots:
    """As many runners as the window's concurrency says.

    A handler that never suspends costs no switch of tasks: its slot just takes the next job. Before a slot runs a
    job it wakes one more slot if there is work left, so that suspended handlers never hold the others up.

    All begin with the context variables of whoever made them. What a job leaves behind in them, such as whom it works
    for, is not for the next one to see: its slot ends with it, and another one begins.

    Args:
        window: Where jobs come from.
        execute: What to do with one; never raises but to end.
        reporter: For the sake of slow listeners, on which slots wait.
    """

    def __init__(self, window: Window, execute: Callable[[Job], Awaitable[None]], reporter: Reporter) -> None:
        self._window = window
        self._execute = execute
        self._reporter = reporter
        self._tasks: set[asyncio.Task[object]] = set()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._waking = False
        self._number = 0
        self._variables = contextvars.copy_context()
        self.closing = False

    def adjust(self) -> None:
        """Start slots that are missing, and let idle ones that are too many end."""
        while len(self._tasks) < self._window.concurrency and not self.closing:
            self._number += 1
            task = spawn(self._serve(), f"slot-{self._number}", self._variables.copy())
            self._tasks.add(task)
        for _ in range(min(len(self._tasks) - self._window.concurrency, len(self._idle))):
            self._wake_one()

    def wake(self) -> None:
        """Let an idle slot look for work."""
        if not self._waking and self._idle:
            self._waking = True
            self._wake_one()

    def _wake_one(self) -> None:
        while self._idle:
            future = self._idle.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._waking = False

    async def _serve(self) -> None:
        task = asyncio.current_task()
        try:
            await self._work()
        finally:
            self._waking = False
            if task is not None:
                self._tasks.discard(task)
        self.adjust()

    async def _work(self) -> None:
        window, done = self._window, 0
        while not self.closing and len(self._tasks) <= window.concurrency:
            job = window.take()
            if job is None:
                await self._rest()
                continue
            if window.waiting:
                self.wake()
            try:
                await self._execute(job)
            except Exception:  # noqa: BLE001 - a fault of ours must not cost the slot
                log.exception("a slot failed on task %s; its lease will bring it back", job.delivery.id)
                window.release(job)
            finally:
                window.ended(job)
            done += 1
            if done % _BREATH == 0:
                await asyncio.sleep(0)
            if self._reporter.behind:
                await self._reporter.caught_up()
            if self._is_used():
                return

    def _is_used(self) -> bool:
        try:
            return contextvars.copy_context() != self._variables
        except Exception:  # noqa: BLE001 - values of a task's own may do anything when they are compared
            return True

    async def _rest(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(future)
        try:
            await future
        finally:
            self._waking = False

    async def close(self) -> None:
        """End all slots. Handlers that still run are cancelled; one that does not react is left behind."""
        self.closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            _, stubborn = await asyncio.wait(tasks, timeout=_STUBBORN)
            if stubborn:
                log.error("%d tasks do not react to being cancelled", len(stubborn))
            await cancel(*(task for task in tasks if task.done()))
