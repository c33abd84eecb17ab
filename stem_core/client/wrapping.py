"""Sending many jobs through middleware, each through all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from stem_core.client.job import Job

_AT_ONCE: Final = 500


async def enqueue_each(
    jobs: Iterable[Job | tuple[str, Mapping[str, object]]],
    check: Callable[[Job], object],
    send: Callable[[Job], Awaitable[str]],
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
        made.append(job if isinstance(job, Job) else Job(*job))
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
