"""Jobs of a memory queue that wait for their time."""

from __future__ import annotations

import heapq
from typing import Final

from stem_core.stores.memory.jobs import Job

_SLACK: Final = 64


class Delayed:
    """Delayed jobs, by when they are due. A job that is removed is given back at once, its entry in the order soon."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._order: list[tuple[float, int]] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._jobs)

    def add(self, job: Job) -> None:
        """Let a job wait until it is due."""
        self._jobs[job.token] = job
        heapq.heappush(self._order, (job.due, job.token))

    def remove(self, job: Job) -> None:
        """Remove a job that waits here."""
        del self._jobs[job.token]
        if len(self._order) > 2 * len(self._jobs) + _SLACK:
            self._order = sorted((each.due, each.token) for each in self._jobs.values())

    def take_due(self, now: float) -> list[Job]:
        """Remove and return the jobs that are due, in the order of their times."""
        due = []
        while self._order and self._order[0][0] <= now:
            _, token = heapq.heappop(self._order)
            if token in self._jobs:
                due.append(self._jobs.pop(token))
        return due

    def next_due(self) -> float | None:
        """Return when the next job is due, None if there is none."""
        while self._order and self._order[0][1] not in self._jobs:
            heapq.heappop(self._order)
        return self._order[0][0] if self._order else None

    def first(self, limit: int) -> list[Job]:
        """Return the jobs that are due next, without taking them."""
        return heapq.nsmallest(limit, self._jobs.values(), key=lambda job: (job.due, job.token))
