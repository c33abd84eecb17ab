"""The producer's calls for programs without an event loop: Django, Flask, scripts."""

# ruff: noqa: ASYNC109 - running out of time tells where the task stands, it is not a cancellation
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TypeVar, Unpack

from stem_core.client.collecting import GroupStatus
from stem_core.client.flows import Flows
from stem_core.client.groups import EnqueuedGroup
from stem_core.client.job import Job
from stem_core.client.sync import BACKGROUND
from stem_core.durations import Duration
from stem_core.results import TaskStatus
from stem_core.tasks.enqueuing import EnqueueOptions, GroupOptions

T = TypeVar("T")


class BlockingCalls(Flows, ABC):
    """Calls that return once they are done, from any thread. One part of `Stem`.

    They run on an event loop in a background thread, with connections of its own. Each does what the method of its name
    without `_sync` does, takes the same and raises the same; and a `UsageError` if the broker was handed in, which is
    bound to the event loop that connected it, or if it would wait for itself.
    """

    @abstractmethod
    async def enqueue(
        self, name: str, args: Mapping[str, object] | None = None, **options: Unpack[EnqueueOptions]
    ) -> str:
        """Send a task."""

    @abstractmethod
    async def enqueue_many(self, jobs: Iterable[Job | tuple[str, Mapping[str, object]]]) -> list[str]:
        """Send many tasks."""

    @abstractmethod
    async def status(self, task_id: str) -> TaskStatus | None:
        """Return all that is known of a task."""

    @abstractmethod
    async def wait_for(self, task_id: str, timeout: Duration | None = None) -> TaskStatus:
        """Wait until a task has ended."""

    @abstractmethod
    def _check_blocking(self) -> None:
        """Raise UsageError if the broker cannot be used from another event loop."""

    def enqueue_sync(
        self, name: str, args: Mapping[str, object] | None = None, **options: Unpack[EnqueueOptions]
    ) -> str:
        """Do what `enqueue` does, from a program without an event loop, or from any of its threads."""
        return self._blocked(lambda: self.enqueue(name, args, **options))

    def enqueue_many_sync(self, jobs: Iterable[Job | tuple[str, Mapping[str, object]]]) -> list[str]:
        """Do what `enqueue_many` does, from a program without an event loop."""
        return self._blocked(lambda: self.enqueue_many(jobs))

    def enqueue_chain_sync(self, jobs: Iterable[Job]) -> list[str]:
        """Do what `enqueue_chain` does, from a program without an event loop."""
        return self._blocked(lambda: self.enqueue_chain(jobs))

    def enqueue_group_sync(self, jobs: Iterable[Job], **options: Unpack[GroupOptions]) -> EnqueuedGroup:
        """Do what `enqueue_group` does, from a program without an event loop."""
        return self._blocked(lambda: self.enqueue_group(jobs, **options))

    def status_sync(self, task_id: str) -> TaskStatus | None:
        """Do what `status` does, from a program without an event loop."""
        return self._blocked(lambda: self.status(task_id))

    def wait_for_sync(self, task_id: str, timeout: Duration | None = None) -> TaskStatus:
        """Do what `wait_for` does, from a program without an event loop."""
        return self._blocked(lambda: self.wait_for(task_id, timeout))

    def group_status_sync(self, group_id: str) -> GroupStatus | None:
        """Do what `group_status` does, from a program without an event loop."""
        return self._blocked(lambda: self.group_status(group_id))

    def group_results_sync(self, group_id: str) -> list[object] | None:
        """Do what `group_results` does, from a program without an event loop."""
        return self._blocked(lambda: self.group_results(group_id))

    def wait_for_group_sync(self, group_id: str, timeout: Duration | None = None) -> list[object]:
        """Do what `wait_for_group` does, from a program without an event loop."""
        return self._blocked(lambda: self.wait_for_group(group_id, timeout))

    def _blocked(self, call: Callable[[], Coroutine[object, object, T]]) -> T:
        self._check_blocking()
        return BACKGROUND.run(call())
