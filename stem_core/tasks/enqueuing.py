"""How a running task sends further tasks, each of which knows whose child it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypedDict, TypeVar, Unpack

from stem_core.durations import Duration
from stem_core.errors import UsageError
from stem_core.retry import TaskRetryPolicy

if TYPE_CHECKING:
    from stem_core.client.groups import EnqueuedGroup
    from stem_core.client.job import Job

T = TypeVar("T")


class EnqueueOptions(TypedDict, total=False):
    """What a caller may set for one job; what is left out, the task's own options decide."""

    queue: str | None
    priority: int | None
    countdown: Duration | None
    eta: datetime | None
    expires: Duration | datetime | None
    max_retries: int | None
    retry_policy: TaskRetryPolicy | None
    visibility_timeout: Duration | None
    soft_time_limit: Duration | None
    hard_time_limit: Duration | None
    result_ttl: Duration | None
    ignore_result: bool | None
    unique: bool | None
    unique_for: Duration | None
    link: Job | Sequence[Job] | None
    link_error: Job | Sequence[Job] | None
    headers: dict[str, str] | None
    meta: dict[str, object] | None
    task_id: str | None
    broadcast: str | None


class GroupOptions(TypedDict, total=False):
    """What a caller may set for a group.

    Args:
        callback: Sent once all members have succeeded; `RESULT` stands for the list of their results, in their order.
        on_error: Sent when the first member fails for good, is revoked or has expired, once; `RESULT` stands for its
            error.
        ttl: Seconds for which results are collected and kept; a day if not set.
    """

    callback: Job | None
    on_error: Job | None
    ttl: Duration


class Enqueuer(Protocol):
    """What can enqueue tasks; `Stem` does, and says what each method takes and raises."""

    async def enqueue(self, name: str, args: dict[str, object] | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Send a task and return its id."""

    async def enqueue_many(self, jobs: Iterable[Job]) -> list[str]:
        """Send many tasks and return their ids."""

    async def enqueue_chain(self, jobs: Iterable[Job]) -> list[str]:
        """Send tasks that run one after the other and return their ids."""

    async def enqueue_group(self, jobs: Iterable[Job], **options: Unpack[GroupOptions]) -> EnqueuedGroup:
        """Send tasks that run side by side and have their results collected."""


class BlockingRunner(Protocol):
    """Runs coroutines for code that blocks: elsewhere than in the thread that waits for them."""

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end, and return what it returns."""


class Enqueuing:
    """What a task sends, marked in its metadata as a child of this one. One part of `TaskContext`.

    The `…_sync` forms are for `def` tasks, in threads and in child processes: they block until the broker has the jobs.
    """

    __slots__ = ()

    _enqueuer: Enqueuer | None
    _runner: BlockingRunner | None

    @property
    @abstractmethod
    def lineage(self) -> Mapping[str, object]:
        """What the metadata of each child says of its ancestors."""

    async def enqueue(self, name: str, args: dict[str, object] | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Send a further task.

        Returns:
            The new task's id.

        Raises:
            UsageError: This context cannot enqueue; likewise all errors of `Stem.enqueue`.
        """
        return await self._sender().enqueue(name, args, **inherited(options, self.lineage))

    async def enqueue_many(self, jobs: Iterable[Job]) -> list[str]:
        """Do what `Stem.enqueue_many` does with further tasks."""
        return await self._sender().enqueue_many(self._children(jobs))

    async def enqueue_chain(self, jobs: Iterable[Job]) -> list[str]:
        """Do what `Stem.enqueue_chain` does with further tasks; all of them are children of this one."""
        return await self._sender().enqueue_chain(self._children(jobs))

    async def enqueue_group(self, jobs: Iterable[Job], **options: Unpack[GroupOptions]) -> EnqueuedGroup:
        """Do what `Stem.enqueue_group` does with further tasks; callback and `on_error` are children too."""
        if (callback := options.get("callback")) is not None:
            options["callback"] = descended(callback, self.lineage)
        if (on_error := options.get("on_error")) is not None:
            options["on_error"] = descended(on_error, self.lineage)
        return await self._sender().enqueue_group(self._children(jobs), **options)

    def enqueue_sync(self, name: str, args: dict[str, object] | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Do what `enqueue` does, from a `def` task.

        Raises:
            UsageError: It was called on the worker's event loop, where the task can await `enqueue`.
        """
        return self._run(self.enqueue(name, args, **options))

    def enqueue_many_sync(self, jobs: Iterable[Job]) -> list[str]:
        """Do what `enqueue_many` does, from a `def` task."""
        return self._run(self.enqueue_many(jobs))

    def enqueue_chain_sync(self, jobs: Iterable[Job]) -> list[str]:
        """Do what `enqueue_chain` does, from a `def` task."""
        return self._run(self.enqueue_chain(jobs))

    def enqueue_group_sync(self, jobs: Iterable[Job], **options: Unpack[GroupOptions]) -> EnqueuedGroup:
        """Do what `enqueue_group` does, from a `def` task."""
        return self._run(self.enqueue_group(jobs, **options))

    def _children(self, jobs: Iterable[Job]) -> list[Job]:
        return [descended(job, self.lineage) for job in jobs]

    def _sender(self) -> Enqueuer:
        if self._enqueuer is None:
            raise UsageError("this context cannot enqueue", "run the task in a Worker, or hand an enqueuer in")
        return self._enqueuer

    def _run(self, coroutine: Coroutine[object, object, T]) -> T:
        if self._runner is None:
            coroutine.close()
            raise UsageError("this context cannot block", "run the task in a Worker, or hand a runner in")
        return self._runner.run(coroutine)


def descended(job: Job, lineage: Mapping[str, object]) -> Job:
    """Return a job that, with all that follows it, is marked in its metadata.

    Raises:
        UsageError: It is no `Job`.
    """
    if not hasattr(job, "with_options"):  # its class is of a layer above
        raise UsageError(f"{job!r} is no Job", "give Job(name, args), or what task.job(…) returns")
    return job.with_options(**inherited(job.options, lineage))


def inherited(options: EnqueueOptions, lineage: Mapping[str, object]) -> EnqueueOptions:
    """Return the options of a job that is marked, as are those of all that follows it."""
    marked: EnqueueOptions = {**options, "meta": {**(options.get("meta") or {}), **lineage}}
    if (links := options.get("link")) is not None:
        marked["link"] = _each_descended(links, lineage)
    if (links := options.get("link_error")) is not None:
        marked["link_error"] = _each_descended(links, lineage)
    return marked


def _each_descended(jobs: Job | Sequence[Job], lineage: Mapping[str, object]) -> list[Job]:
    return [descended(job, lineage) for job in (jobs if isinstance(jobs, Sequence) else [jobs])]
