"""The child processes of a worker: started when they are needed, kept warm, replaced when they are used up."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import replace
from typing import Final

from stem_core.durations import seconds
from stem_core.errors import ChildStartError, ConfigurationError
from stem_core.events import WorkerChildInit, WorkerChildShutdown
from stem_core.logs import logs_json
from stem_core.service import Backoff
from stem_core.snapshot import ChildSnapshot
from stem_core.tasks import SimpleTaskRegistry, execution_of
from stem_core.worker.children.messages import Setup
from stem_core.worker.children.orphans import inside_child
from stem_core.worker.children.process import ChildProcess
from stem_core.worker.core import Core, log

_LEAST_PAUSE: Final = 0.2
_MOST_PAUSE: Final = 10.0


class ChildPool:
    """As many children as tasks for them ever ran at once, but not more than the worker has slots.

    Args:
        core: What the worker's duties share.
        registry: The worker's tasks.
    """

    def __init__(self, core: Core, registry: SimpleTaskRegistry) -> None:
        self._core = core
        self._registry = registry
        self._children: dict[int, ChildProcess] = {}
        self._idle: list[ChildProcess] = []
        self._backoff = Backoff(_LEAST_PAUSE, _MOST_PAUSE)
        self._not_before = 0.0

    async def open(self) -> None:
        """Start the first child if there are tasks for it, so that a wrong app is found before any job is fetched.

        Raises:
            ConfigurationError: The app is not given, or does not know the tasks.
            ChildStartError: The child does not come up.
        """
        names = [each for each in self._registry.names() if execution_of(self._registry.get(each)) == "process"]
        if not names:
            return
        app = self._core.settings.app
        if app is None:
            raise ConfigurationError(
                f"{_listed(names)} asks for execution='process', but the worker does not know the app",
                "give Worker(app='package.module:attribute'), the place of the Stem that has these tasks",
            )
        if inside_child():
            raise ConfigurationError(
                f"importing the app {app.path} in a child process starts a worker",
                "start it under if __name__ == '__main__', or in a module of its own",
            )
        child = await self._start()
        unknown = sorted(set(names) - set(child.names))
        if unknown:
            raise ConfigurationError(
                f"the app {app.path} has no task {_listed(unknown)}, but the worker runs it in child processes",
                "register the task in the app's own registry when its module is imported",
            )
        self._idle.append(child)

    @property
    def grace(self) -> float:
        """Seconds that a terminated task may go on."""
        return seconds(self._core.settings.lifecycle.terminate_grace_period)

    async def acquire(self) -> ChildProcess:
        """Return a child that has nothing to do; to be given to `release`.

        Raises:
            ChildStartError: It does not come up.
        """
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
        return await self._start()

    def release(self, child: ChildProcess) -> None:
        """Take a child back. One whose task has not ended is killed, one that is used up replaced."""
        child.on_progress = None
        if child.busy:
            child.kill()
        elif not child.alive:
            log.debug("child process %d is gone", child.pid)
        elif self._used_up(child) or len(self._idle) >= self._core.window.concurrency:
            child.leave()
        else:
            self._idle.append(child)

    def _used_up(self, child: ChildProcess) -> bool:
        lifecycle = self._core.settings.lifecycle
        most, memory = lifecycle.max_tasks_per_child, lifecycle.max_memory_per_child_bytes
        if most is not None and child.tasks >= most:
            log.debug("child process %d has run %d tasks and is replaced", child.pid, child.tasks)
            return True
        if memory is not None and child.rss > memory:
            log.info("child process %d has grown to %d bytes and is replaced", child.pid, child.rss)
            return True
        return False

    def trim(self) -> None:
        """Let idle children go that are more than the worker has slots."""
        excess = len(self._children) - self._core.window.concurrency
        for child in self._idle[: max(excess, 0)]:
            self._idle.remove(child)
            child.leave()

    def snapshots(self) -> list[ChildSnapshot]:
        """Return how the children are."""
        return [
            ChildSnapshot(pid=child.pid, busy=child.busy, task=child.task, tasks=child.tasks, rss=child.rss)
            for child in self._children.values()
        ]

    async def close(self) -> None:
        """End all children, and return once all are gone; none is left behind."""
        children = list(self._children.values())
        for child in children:
            if child.busy:
                child.kill()
            else:
                child.leave()
        self._idle.clear()
        await asyncio.gather(*(child.gone() for child in children))

    async def _start(self) -> ChildProcess:
        core = self._core
        pause = self._not_before - core.clock.monotonic()
        if pause > 0:
            await core.clock.sleep(pause)
        try:
            child = await ChildProcess.start(self._setup())
        except ChildStartError as error:
            pause = self._backoff.next()
            self._not_before = core.clock.monotonic() + pause
            log.error("%s; the next one is started in %.1f s at the earliest", error, pause)
            raise
        self._backoff.reset()
        child.on_end = self._ended
        self._children[child.pid] = child
        core.reporter.tell(WorkerChildInit(core.clock.time(), core.settings.id, child.pid))
        return child

    def _setup(self) -> Setup:
        settings, app = self._core.settings, self._core.settings.app
        if app is None:
            raise ChildStartError(
                "the worker does not know the app that its child processes need", "give Worker(app='module:attribute')"
            )
        root = logging.getLogger()
        return Setup(
            app=app.path,
            worker=settings.id,
            location=self._core.broker.location,
            paths=tuple(sys.path),
            config=None if app.config is None else replace(app.config, sources={}),
            log_level=root.level if root.handlers else None,
            log_json=logs_json(),
        )

    def _ended(self, child: ChildProcess) -> None:
        self._children.pop(child.pid, None)
        if child in self._idle:
            self._idle.remove(child)
        core = self._core
        core.reporter.tell(WorkerChildShutdown(core.clock.time(), core.settings.id, child.pid))


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
