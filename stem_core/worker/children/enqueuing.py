"""How tasks in a child process enqueue further tasks: through the app's own Stem, which connects when one wants it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from stem_core.client import EnqueuedGroup, Job, Stem
from stem_core.durations import Duration
from stem_core.envelope import GROUP_TTL
from stem_core.errors import UsageError
from stem_core.tasks import EnqueueOptions


class ChildEnqueuer:
    """Enqueues through the app, if that reaches the worker's own broker.

    Args:
        app: The child's Stem.
        location: Where the worker's broker is.
    """

    def __init__(self, app: Stem, location: str) -> None:
        self._app = app
        self._location = location

    async def enqueue(self, name: str, args: dict[str, object] | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Send a task.

        Raises:
            UsageError: The app's broker is another one, so the task would be lost there; likewise the other methods.
        """
        return await (await self._stem()).enqueue(name, args, **options)

    async def enqueue_many(self, jobs: Iterable[Job]) -> list[str]:
        """Send many tasks."""
        return await (await self._stem()).enqueue_many(jobs)

    async def enqueue_chain(self, jobs: Iterable[Job]) -> list[str]:
        """Send tasks that run one after the other."""
        return await (await self._stem()).enqueue_chain(jobs)

    async def enqueue_group(
        self,
        jobs: Iterable[Job],
        *,
        callback: Job | None = None,
        on_error: Job | None = None,
        ttl: Duration = GROUP_TTL,
    ) -> EnqueuedGroup:
        """Send tasks that run side by side."""
        return await (await self._stem()).enqueue_group(jobs, callback=callback, on_error=on_error, ttl=ttl)

    async def _stem(self) -> Stem:
        broker, _ = await self._app.connect()
        if broker.location != self._location:
            raise UsageError(
                f"in a child process the app reaches the broker {broker.location}, not its worker's {self._location}",
                "make the app's Stem with from_environment or from_url, for a broker that processes can share",
            )
        return self._app
