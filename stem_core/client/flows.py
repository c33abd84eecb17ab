"""Chains, jobs that run one after the other, and groups, jobs that run side by side."""

# ruff: noqa: ASYNC109 - running out of time tells what is missing, it is not a cancellation

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Unpack

from stem_core.client.collecting import GroupReader, GroupStatus
from stem_core.client.following import Preparer, check_not_unique, listed
from stem_core.client.groups import EnqueuedGroup, GroupJobs, plan_group
from stem_core.client.job import Job, check_jobs
from stem_core.client.link import Link
from stem_core.client.preparing import Prepared
from stem_core.client.wrapping import Wrapping
from stem_core.durations import Duration, seconds
from stem_core.envelope import new_task_id
from stem_core.errors import UsageError
from stem_core.middleware import Middleware
from stem_core.tasks.enqueuing import GroupOptions


class Flows(ABC):
    """What a producer sends that is more than one job. One part of `Stem`."""

    middleware: list[Middleware]

    @abstractmethod
    def _preparer(self) -> Preparer:
        """Return what prepares jobs now."""

    @abstractmethod
    async def _link(self) -> Link:
        """Return the connections of the running event loop."""

    @abstractmethod
    async def _send_all(self, link: Link, batch: list[Prepared]) -> None:
        """Send jobs, in parts."""

    async def enqueue_chain(self, jobs: Iterable[Job]) -> list[str]:
        """Send jobs of which each starts when the one before has succeeded; return their ids, in order.

        `RESULT` as an argument's value stands for the result of the job before. If one fails, those after it are not
        sent; once it is replayed and succeeds, they are.

        Raises:
            UsageError: There is none, or there are more than 51; likewise all errors of `enqueue`.
        """
        head, ids = chained(list(jobs))
        preparer = self._preparer()
        if self.middleware:
            await Wrapping(self.middleware).send_once(head, lambda head: self._send_head(preparer.prepare(head)))
        else:
            await self._send_head(preparer.prepare(head))
        return ids

    async def _send_head(self, prepared: Prepared) -> str:
        check_not_unique(prepared, "begin a chain")
        await self._send_all(await self._link(), [prepared])
        return prepared.envelope.id

    async def enqueue_group(self, jobs: Iterable[Job], **options: Unpack[GroupOptions]) -> EnqueuedGroup:
        """Send jobs that run side by side, and have their results collected.

        The workers do the rest: this producer may end as soon as this has returned. If a member fails, the group stays
        open: once its dead letter is replayed and succeeds, the group goes on as if nothing had been.

        Args:
            jobs: The members.
            options: See `GroupOptions`.

        Raises:
            UsageError: There are no members, one is unique or a broadcast, or the callback wants results of tasks that
                keep none; likewise all errors of `enqueue`. If the broker fails midway, some members may have been
                sent; their group will not be complete.
        """
        wanted = GroupJobs(list(jobs), **options)
        if self.middleware:
            wanted = await wanted.passed(Wrapping(self.middleware))
        group, members = await plan_group(self._preparer(), wanted)
        link = await self._link()
        await link.broker.open_group(group.id, len(members), seconds(wanted.ttl))
        await self._send_all(link, members)
        return group

    async def group_status(self, group_id: str) -> GroupStatus | None:
        """Return how far a group is, and which members are missing or lost; None if there is none, or it ran out."""
        link = await self._link()
        return await GroupReader(link.broker, link.backend, group_id).status()

    async def group_results(self, group_id: str) -> list[object] | None:
        """Return the results of a group in the order of its members; None while one is missing or if it has run out."""
        status = await self.group_status(group_id)
        return status.results if status is not None and status.is_complete else None

    async def wait_for_group(self, group_id: str, timeout: Duration | None = None) -> list[object]:
        """Wait until all members of a group have succeeded, and return their results in order.

        A broker that cannot be reached for a while does not end the waiting.

        Args:
            group_id: Which group.
            timeout: Seconds to wait; None for as long as it takes, 0 to look once.

        Raises:
            GroupFailedError: A member has failed for good, was revoked or has expired; the error names it. Once its
                dead letter is replayed, the group can be waited for again.
            UsageError: There is no such group, or it has run out.
            WaitTimeoutError: Some members have not ended in time; the hint says how many.
        """
        link = await self._link()
        return await GroupReader(link.broker, link.backend, group_id).wait(
            None if timeout is None else seconds(timeout)
        )


def chained(jobs: list[Job]) -> tuple[Job, list[str]]:
    """Return the first job with all others behind it, each linked to the one before, and their ids."""
    if not jobs:
        raise UsageError("a chain has no jobs", "give at least one")
    check_jobs(jobs)
    ids = [job.options.get("task_id") or new_task_id() for job in jobs]
    if len(set(ids)) < len(ids):
        raise UsageError("two jobs of a chain have the same task_id", "leave task_id out, or give each its own")
    following: list[Job] = []
    for job, task_id in zip(reversed(jobs), reversed(ids), strict=True):
        link = [*listed("link", job.options.get("link")), *following]
        following = [job.with_options(task_id=task_id, link=link)]
    return following[0], ids
