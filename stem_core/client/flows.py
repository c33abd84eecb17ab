"""Chains: jobs that run one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Unpack

from stem_core.client.following import Preparer, check_not_unique, listed
from stem_core.client.job import Job
from stem_core.client.link import Link
from stem_core.client.preparing import Prepared
from stem_core.envelope import new_task_id
from stem_core.errors import UsageError
from stem_core.tasks import EnqueueOptions


class Flows(ABC):
    """What a producer sends that is more than one job. One part of `Stem`."""

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
        prepared = self._preparer().prepare(head)
        check_not_unique(prepared, "begin a chain")
        await self._send_all(await self._link(), [prepared])
        return ids


def chained(jobs: list[Job]) -> tuple[Job, list[str]]:
    """Return the first job with all others behind it, each linked to the one before, and their ids."""
    if not jobs:
        raise UsageError("a chain has no jobs", "give at least one")
    ids = [job.options.get("task_id") or new_task_id() for job in jobs]
    following: list[Job] = []
    for job, task_id in zip(reversed(jobs), reversed(ids), strict=True):
        link = [*listed("link", job.options.get("link")), *following]
        following = [with_options(job, task_id=task_id, link=link)]
    return following[0], ids


def with_options(job: Job, **options: Unpack[EnqueueOptions]) -> Job:
    """Return a job with other options."""
    chosen: EnqueueOptions = {**job.options, **options}
    return Job(job.name, job.args, **chosen)
