"""How tasks enqueue further tasks."""

from __future__ import annotations

from typing import Unpack

from stem_core.stores.port import Broker, ResultBackend
from stem_core.tasks import EnqueueOptions, Enqueuer, SimpleTaskRegistry
from stem_core.worker.settings import WorkerSettings


class OwnStem:
    """Enqueues for tasks through a `Stem` over the worker's own parts, made when the first task wants it."""

    def __init__(
        self,
        broker: Broker,
        registry: SimpleTaskRegistry,
        backend: ResultBackend | None,
        settings: WorkerSettings,
    ) -> None:
        self._parts = (broker, registry, backend, settings)
        self._stem: Enqueuer | None = None

    async def enqueue(self, name: str, args: dict[str, object] | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Send a task."""
        if self._stem is None:
            from stem_core.client import Stem  # noqa: PLC0415 - most workers never enqueue

            broker, registry, backend, settings = self._parts
            self._stem = Stem(
                broker=broker,
                registry=registry,
                backend=backend,
                signer=settings.signer,
                middleware=settings.middleware,
            )
        return await self._stem.enqueue(name, args, **options)
