"""Groups: jobs that run side by side, with their results collected in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from stem_core.client.following import Preparer, Source, check_not_unique, listed
from stem_core.client.job import Job, with_options
from stem_core.client.preparing import Prepared
from stem_core.envelope import MAX_MEMBERS, GroupPlace, new_task_id
from stem_core.errors import UsageError
from stem_core.results import decode_result


class EnqueuedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group that was sent.

    Args:
        id: For `group_results` and `wait_for_group`.
        members: Ids of its jobs, in order.
        callback: Id of the job that gets the results, None if there is none.
        on_error: Id of the job that is sent when a member fails, None if there is none.
    """

    id: str
    members: tuple[str, ...]
    callback: str | None = None
    on_error: str | None = None


class GroupPlan(NamedTuple):
    """A group that is ready to be sent."""

    group: EnqueuedGroup
    members: list[Prepared]


def plan_group(preparer: Preparer, jobs: Sequence[Job], callback: Job | None, on_error: Job | None) -> GroupPlan:
    """Prepare the members of a group, each with its place in it.

    Raises:
        UsageError: There are none, one is unique or a broadcast, or the callback wants results that nobody keeps.
    """
    if not jobs:
        raise UsageError("a group has no members", "give at least one job")
    if len(jobs) > MAX_MEMBERS:
        raise UsageError(f"a group has {len(jobs):,} members", f"at most {MAX_MEMBERS:,}; make several groups")
    for name, job in (("callback", callback), ("on_error", on_error)):
        if job is not None and not isinstance(job, Job):
            raise UsageError(f"{name} is {job!r}", "give a Job")
    group, sealed = new_task_id(), None
    if callback is not None:
        ignored = next((job.name for job in jobs if preparer.ignores_result(job)), "")
        sealed = preparer.follow_up(callback, Source(f"group:{group}", ignored))
    failed_id = None if on_error is None else on_error.options.get("task_id") or new_task_id()
    members: list[Prepared] = []
    for index, job in enumerate(jobs):
        place = GroupPlace(id=group, index=index, total=len(jobs), callback=sealed)
        prepared = preparer.woven(_with_failure(job, on_error, failed_id), None, {"group": place})
        check_not_unique(prepared, "be in a group")
        members.append(prepared)
    ids = tuple(prepared.envelope.id for prepared in members)
    if len(set(ids)) < len(ids):
        raise UsageError("two members of a group have the same task_id", "leave task_id out, or give each its own")
    record = EnqueuedGroup(id=group, members=ids, callback=None if sealed is None else sealed.id, on_error=failed_id)
    return GroupPlan(record, members)


def _with_failure(job: Job, on_error: Job | None, failed_id: str | None) -> Job:
    # Each member carries it with an error of its own to tell of, but all under one id: it is sent once.
    if on_error is None:
        return job
    links = listed("link_error", job.options.get("link_error"))
    return with_options(job, link_error=[*links, with_options(on_error, task_id=failed_id)])


def decoded(bodies: list[bytes | None] | None) -> list[object] | None:
    """Return the results of a group, None while one is missing."""
    if bodies is None:
        return None
    found = [decode_result(body) for body in bodies if body is not None]
    return found if len(found) == len(bodies) else None
