"""Rate limits: a token before each start of a task that has one; without a token the job goes back for later."""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

from stem_core.client.rate_limits import read_rates
from stem_core.envelope import Envelope
from stem_core.errors import BrokerError
from stem_core.rates import burst_of, parse_rate
from stem_core.service import Backoff
from stem_core.worker.active import Job
from stem_core.worker.core import Core
from stem_core.worker.plan import Plan

RELOAD: Final = 10.0
"""Seconds after which a limit that was set at run time is known also to a worker that missed the command."""
LONGEST: Final = 300.0
"""Seconds that a job waits at most before it asks again, so that a limit that is lifted frees even a long line."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Limits:
    """Knows how often tasks may start, and asks the store for leave.

    Args:
        core: What the worker's duties share.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._own: dict[str, str | None] = {}
        self._written: dict[str, str | None] = {}
        self._set: dict[str, float | None] = {}

    def rate(self, task: str, plan: Plan) -> float | None:
        """Return how many a second may start, None if there is no limit."""
        return self._set.get(task, plan.rate)

    def written(self, task: str) -> str:
        """Return what was set at run time: a rate, `none`, or `default` if nothing was."""
        rate = self._written.get(task, "default")
        return "none" if rate is None else rate

    def told(self) -> dict[str, str]:
        """Return the limits by task: those set at run time, and those of tasks that were started here."""
        return {task: "none" if rate is None else rate for task, rate in {**self._own, **self._written}.items()}

    async def load(self) -> None:
        """Read what was set at run time."""
        self._written = await read_rates(self._core.broker)
        self._set = {task: None if rate is None else parse_rate("rate", rate) for task, rate in self._written.items()}

    async def run(self) -> None:
        """Read it again and again."""
        while True:
            await self._core.clock.sleep(RELOAD)
            await self.load()

    async def wait(self, job: Job, envelope: Envelope, plan: Plan) -> float:
        """Take a token for a job; returns 0, or the seconds after which the job shall ask again.

        A broker that cannot be reached is waited for, as long as the job is ours.
        """
        rate = self.rate(envelope.name, plan)
        if rate is None:
            return 0.0
        self._own[envelope.name] = plan.handler.options.rate_limit
        # A bucket for each rate: who stands in line for one that is no longer set must not hold up the others.
        bucket, backoff = f"{bucket_of(envelope, plan.rate_key)}@{rate:.6g}", Backoff()
        while not job.void:
            try:
                return await self._core.broker.take_token(bucket, rate, burst_of(rate), LONGEST)
            except BrokerError as error:
                delay = backoff.next()
                self._core.link_down(error, delay)
                await self._core.clock.sleep(delay)
        return 0.0


def bucket_of(envelope: Envelope, rate_key: str | None) -> str:
    """Return the bucket that a job's start is counted in: the task's, or that of its key's value."""
    value: object = None
    if rate_key is not None:
        value = envelope.args.get(rate_key, envelope.headers.get(rate_key))
    if value is None:
        name = envelope.name
    else:
        text = value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
        name = f"{envelope.name}:{text}"
    return name if _PLAIN.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()
