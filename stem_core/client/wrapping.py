"""Taking jobs through a producer's middleware: each job that is sent, and each that travels with one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from stem_core.client.following import MAX_NESTING, listed, too_deep
from stem_core.client.job import Job, as_job
from stem_core.envelope import new_task_id
from stem_core.errors import UsageError
from stem_core.middleware import Middleware, around_enqueue
from stem_core.service import spawn

Send: TypeAlias = Callable[[Job], Awaitable[str]]

_AT_ONCE: Final = 500
_LEVELS_PER_STACK: Final = 8


class Wrapping:
    """Takes jobs through middleware.

    What follows a job has its turn inside the job's own: once the job's middleware has called on, and before the job is
    sent. So it is the job as its middleware made it that is followed, and a trace leads from each to the next.

    Args:
        middleware: The producer's, outermost first.
    """

    def __init__(self, middleware: Sequence[Middleware]) -> None:
        self._middleware = middleware

    async def send(self, job: Job, send: Send) -> str:
        """Send a job, or what the middleware makes of it; return the id that it answers with."""
        return await self._around(job, send, 0)

    async def send_once(self, job: Job, send: Send, depth: int = 0) -> None:
        """Send a job on whose being there, and on whose id, others rely.

        Raises:
            UsageError: The middleware did not send it, or did so twice, or under another id.
        """
        task_id, sent = job.options.get("task_id"), False

        async def only(job: Job) -> str:
            nonlocal sent
            if sent:
                raise UsageError(f"middleware sends {job.name!r} twice", "others rely on its being there once")
            if task_id is not None and job.options.get("task_id") != task_id:
                raise UsageError(f"middleware changes the task_id of {job.name!r}", "others rely on the one it has")
            sent = True
            return await send(job)

        await self._around(job, only, depth)
        if not sent:
            raise UsageError(
                f"middleware does not send {job.name!r}, on which others rely", "let it call call_next, or raise"
            )

    async def passed(self, job: Job, depth: int = 0) -> Job:
        """Return a job that is not sent by itself as the middleware made it, with all that follows it.

        Raises:
            UsageError: As `send_once`; or more jobs follow each other than may, since the middleware adds to each.
        """
        if depth > MAX_NESTING:
            raise too_deep()
        made: list[Job] = []

        async def keep(job: Job) -> str:
            task_id = job.options.get("task_id") or new_task_id()
            made.append(job.with_options(task_id=task_id))
            return task_id

        turn = self.send_once(job, keep, depth)
        # Turns are nested, and a task of its own has a stack of its own: a long chain must not exhaust it.
        await (spawn(turn, "stem-middleware") if depth % _LEVELS_PER_STACK == _LEVELS_PER_STACK - 1 else turn)
        return made[0]

    async def _around(self, job: Job, send: Send, depth: int) -> str:
        async def end(job: Job) -> str:
            return await send(await self._followed(job, depth + 1))

        return await around_enqueue(self._middleware, end)(job)

    async def _followed(self, job: Job, depth: int) -> Job:
        if "link" not in job.options and "link_error" not in job.options:
            return job
        links = [await self.passed(each, depth) for each in listed("link", job.options.get("link"))]
        errors = [await self.passed(each, depth) for each in listed("link_error", job.options.get("link_error"))]
        return job.with_options(link=links, link_error=errors)


async def enqueue_each(
    jobs: Iterable[Job | tuple[str, Mapping[str, object]]], check: Callable[[Job], object], send: Send
) -> list[str]:
    """Send jobs side by side, so that they share round trips, and return their ids in order.

    Args:
        jobs: Jobs, or pairs of name and arguments.
        check: Raises for a job that cannot be sent; all are checked before the first is sent.
        send: Takes one through the middleware to the broker.

    Raises:
        Exception: What the first that was refused raised, after its neighbours have been sent.
    """
    made: list[Job] = []
    for job in jobs:
        made.append(as_job(job))
        check(made[-1])
        if len(made) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    ids: list[str] = []
    for start in range(0, len(made), _AT_ONCE):
        part = made[start : start + _AT_ONCE]
        answers = await asyncio.gather(*(send(job) for job in part), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            ids.append(answer)
    return ids
