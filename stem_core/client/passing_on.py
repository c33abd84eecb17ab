"""Enqueueing through a `Stem` that is only there once it is wanted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack

from stem_core.tasks import EnqueueOptions, GroupOptions

if TYPE_CHECKING:
    from stem_core.client import EnqueuedGroup, Job, Stem


class PassingOn(ABC):
    """An `Enqueuer` that passes each call on to a Stem."""

    @abstractmethod
    async def _stem(self) -> Stem:
        """Return the Stem."""

    async def enqueue(self, name: str, args: dict[str, object] | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Send a task."""
        return await (await self._stem()).enqueue(name, args, **options)

    async def enqueue_many(self, jobs: Iterable[Job]) -> list[str]:
        """Send many tasks."""
        return await (await self._stem()).enqueue_many(jobs)

    async def enqueue_chain(self, jobs: Iterable[Job]) -> list[str]:
        """Send tasks that run one after the other."""
        return await (await self._stem()).enqueue_chain(jobs)

    async def enqueue_group(self, jobs: Iterable[Job], **options: Unpack[GroupOptions]) -> EnqueuedGroup:
        """Send tasks that run side by side."""
        return await (await self._stem()).enqueue_group(jobs, **options)
