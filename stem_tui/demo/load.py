"""What the demo's producers send: steady mails, payments in waves, a few long reports, some of it for later."""

from __future__ import annotations

import math
from random import Random
from typing import Final

from stem_core import Stem
from stem_core.client import Job
from stem_core.clock import Clock
from stem_tui.demo.tasks import SEED

EVERY: Final = 0.25
_WAVE: Final = 90.0


class Load:
    """Sends jobs, a few each quarter of a second.

    Args:
        stem: Sends them.
        clock: Its pace.
        seed: Where chance starts.
    """

    def __init__(self, stem: Stem, clock: Clock, seed: int = SEED) -> None:
        self._stem = stem
        self._clock = clock
        self._random = Random(seed)  # noqa: S311 - chance for a demo, not for secrets
        self._order = 88000
        self._steps = 0

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            jobs = self.next_jobs()
            if jobs:
                await self._stem.enqueue_many(jobs)
            await self._clock.sleep(EVERY)

    def next_jobs(self) -> list[Job]:
        """Return what is sent in this step."""
        self._steps += 1
        wave = 0.5 + 0.5 * math.sin(2 * math.pi * self._steps * EVERY / _WAVE)
        jobs = [self._payment() for _ in range(self._several(4.0 + 12.0 * wave))]
        jobs += [self._mail() for _ in range(self._several(18.0 + 10.0 * (1 - wave)))]
        jobs += [self._webhook() for _ in range(self._several(6.0))]
        jobs += [self._invoice() for _ in range(self._several(0.8))]
        jobs += [self._report() for _ in range(self._several(0.5))]
        return jobs

    def _several(self, per_second: float) -> int:
        expected = per_second * EVERY
        whole = int(expected)
        return whole + (self._random.random() < expected - whole)

    def _payment(self) -> Job:
        self._order += 1
        amount = round(self._random.uniform(5, 400), 2)
        return Job(
            "payments.charge", {"order": self._order, "amount": amount}, priority=self._random.choice((0, 0, 0, 5))
        )

    def _mail(self) -> Job:
        later = self._random.uniform(5, 60) if self._random.random() < 0.03 else None
        return Job("emails.send", {"to": f"user{self._random.randrange(100_000)}@example.com"}, countdown=later)

    def _webhook(self) -> Job:
        return Job("webhooks.post", {"url": f"https://hooks.example.com/{self._random.randrange(1000)}"})

    def _invoice(self) -> Job:
        self._order += 1
        return Job("invoices.book", {"invoice": self._order, "country": self._random.choice(("DE", "FR", "IT", "CH"))})

    def _report(self) -> Job:
        return Job(
            "reports.build",
            {"report": f"monthly-{self._random.randrange(2025, 2027)}", "pages": self._random.randrange(8, 40)},
        )
