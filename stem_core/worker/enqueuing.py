"""How tasks enqueue further tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, TypeVar

from stem_core.client.passing_on import PassingOn
from stem_core.client.sync import run_on
from stem_core.errors import TaskCancelled, UsageError
from stem_core.stores.port import Broker, ResultBackend
from stem_core.tasks import SimpleTaskRegistry
from stem_core.worker.settings import WorkerSettings

if TYPE_CHECKING:
    from stem_core.client import Stem

T = TypeVar("T")


class OwnStem(PassingOn):
    """Enqueues for tasks through a `Stem` over the worker's own parts, made when the first task wants it."""

    def __init__(
        self,
        broker: Broker,
        registry: SimpleTaskRegistry,
        backend: ResultBackend | None,
        settings: WorkerSettings,
    ) -> None:
        self._parts = (broker, registry, backend, settings)
        self._made: Stem | None = None

    async def _stem(self) -> Stem:
        if self._made is None:
            from stem_core.client import Stem  # noqa: PLC0415 - most workers never enqueue

            broker, registry, backend, settings = self._parts
            self._made = Stem(
                broker=broker,
                registry=registry,
                backend=backend,
                signer=settings.signer,
                middleware=settings.middleware,
            )
        return self._made


class WorkerLoop:
    """Runs on the worker's event loop, and with its connections, what a task in a thread waits for.

    Args:
        loop: That event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine there, and return what it returns.

        Raises:
            UsageError: Called on that very loop, which would wait for itself.
            TaskCancelled: The worker has ended.
        """
        if asyncio._get_running_loop() is self._loop:  # noqa: SLF001 - the public form raises where there is none
            coroutine.close()
            raise UsageError(
                "a blocking call was made on the worker's event loop", "await the form without _sync in such a task"
            )
        if self._loop.is_closed():
            coroutine.close()
            raise TaskCancelled("the worker has ended")
        return run_on(self._loop, coroutine)
