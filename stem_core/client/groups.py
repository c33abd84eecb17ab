"""Groups: jobs that run side by side, with their results collected in order."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

import msgspec

from stem_core.checks import positive_seconds
from stem_core.client.following import Preparer, Source, check_not_unique
from stem_core.client.job import Job, check_jobs
from stem_core.client.preparing import Prepared
from stem_core.client.wrapping import Wrapping
from stem_core.durations import Duration, seconds
from stem_core.envelope import GROUP_TTL, MAX_MEMBERS, GroupPlace, new_task_id
from stem_core.errors import UsageError

_BETWEEN_PAUSES: Final = 500


class EnqueuedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group that was sent.

    Args:
        id: For `group_results` and `wait_for_group`.
        members: Ids of its jobs, in order.
        callback: Id of the job that gets the results, None if there is none.
        on_error: Id of the job that is sent when a member is lost, None if there is none.
    """

    id: str
    members: tuple[str, ...]
    callback: str | None = None
    on_error: str | None = None


class GroupJobs(NamedTuple):
    """What a group is to be made of; beside the members what `GroupOptions` has."""

    members: list[Job]
    callback: Job | None = None
    on_error: Job | None = None
    ttl: Duration = GROUP_TTL

    def check(self) -> None:
        """Refuse what cannot be a group.

        Raises:
            UsageError: There are no members, too many of them, something is no `Job`, or it would be kept for no time.
        """
        positive_seconds("ttl", self.ttl)
        if not self.members:
            raise UsageError("a group has no members", "give at least one job")
        if len(self.members) > MAX_MEMBERS:
            raise UsageError(
                f"a group has {len(self.members):,} members", f"at most {MAX_MEMBERS:,}; make several groups"
            )
        check_jobs(self.members)
        for name, job in (("callback", self.callback), ("on_error", self.on_error)):
            if job is not None and not isinstance(job, Job):
                raise UsageError(f"{name} is {job!r}", "give a Job")

    async def passed(self, wrapping: Wrapping) -> GroupJobs:
        """Return what a producer's middleware makes of it: of the members in order, then of what may follow them."""
        self.check()
        members: list[Job] = []
        for job in self.members:
            members.append(await wrapping.passed(job))
            if len(members) % _BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
        callback = None if self.callback is None else await wrapping.passed(self.callback, 1)
        on_error = None if self.on_error is None else await wrapping.passed(self.on_error, 1)
        return GroupJobs(members, callback, on_error, self.ttl)


class GroupPlan(NamedTuple):
    """A group that is ready to be sent."""

    group: EnqueuedGroup
    members: list[Prepared]


async def plan_group(preparer: Preparer, jobs: GroupJobs) -> GroupPlan:
    """Prepare the members of a group, each with its place in it; lets others run in between.

    Args:
        preparer: Prepares jobs.
        jobs: What the group is made of.

    Raises:
        UsageError: It cannot be a group, one is unique or a broadcast, or the callback wants results that nobody keeps.
    """
    jobs.check()
    group, callback, on_error, ttl = new_task_id(), None, jobs.on_error, seconds(jobs.ttl)
    if jobs.callback is not None:
        ignored = next((job.name for job in jobs.members if preparer.ignores_result(job)), "")
        callback = preparer.follow_up(jobs.callback, Source(f"group:{group}", ignored))
    if on_error is not None and not on_error.options.get("task_id"):
        on_error = on_error.with_options(task_id=new_task_id())
    members: list[Prepared] = []
    for index, job in enumerate(jobs.members):
        task_id = job.options.get("task_id") or new_task_id()
        # Each member has an error of its own to tell of, but all have the one id: it is sent once.
        failure = None if on_error is None else preparer.follow_up(on_error, Source(f"error:{task_id}"))
        place = GroupPlace(id=group, index=index, total=len(jobs.members), callback=callback, on_error=failure, ttl=ttl)
        prepared = preparer.woven(job.with_options(task_id=task_id), None, {"group": place})
        check_not_unique(prepared, "be in a group")
        members.append(prepared)
        if len(members) % _BETWEEN_PAUSES == 0:
            await asyncio.sleep(0)
    ids = tuple(prepared.envelope.id for prepared in members)
    if len(set(ids)) < len(ids):
        raise UsageError("two members of a group have the same task_id", "leave task_id out, or give each its own")
    record = EnqueuedGroup(
        id=group,
        members=ids,
        callback=None if callback is None else callback.id,
        on_error=None if on_error is None else on_error.options.get("task_id"),
    )
    return GroupPlan(record, members)
