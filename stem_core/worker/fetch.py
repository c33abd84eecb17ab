"""From free room in the window to jobs in it."""

from __future__ import annotations

from typing import Final

from stem_core.delivery import Delivery, Subscription
from stem_core.errors import BrokerError
from stem_core.events import TaskReceived
from stem_core.service import Backoff
from stem_core.worker.active import Job
from stem_core.worker.core import Core
from stem_core.worker.finish import Finisher
from stem_core.worker.lease import LeaseKeeper
from stem_core.worker.plan import Plans
from stem_core.worker.verify import Verifier

WAIT: Final = 2.0


class Fetcher:
    """Fetches as many jobs as the window has room for, and never more. A fetch is never cancelled.

    Args:
        core: What the worker's duties share.
        plans: To know which jobs want a longer hold.
        finisher: Takes back what arrives when nothing is wanted any more.
        leases: Told of longer holds at once.
        verifier: Reads what is fetched.
    """

    def __init__(self, core: Core, plans: Plans, finisher: Finisher, leases: LeaseKeeper, verifier: Verifier) -> None:
        self._core = core
        self._plans = plans
        self._finisher = finisher
        self._leases = leases
        self._verifier = verifier
        self.fetching = False
        self._closed = False

    def close(self) -> None:
        """Let `run` return; a fetch under way is interrupted, and what it brings is handed back."""
        self._closed = True
        self._core.window.accepting = False
        self.interrupt()

    def interrupt(self) -> None:
        """End a waiting fetch, after `window.accepting` has changed."""
        self._core.window.room.set()
        if self.fetching:
            self._core.broker.interrupt(self._core.settings.owner)

    async def run(self) -> None:
        """Fetch until closed."""
        core, window, backoff = self._core, self._core.window, Backoff()
        wanted = Subscription(owner=core.settings.owner, queues=core.settings.queues)
        while not self._closed:
            limit = window.wanted()
            if limit == 0:
                window.room.clear()
                await window.room.wait()
                continue
            self.fetching = True
            try:
                batch = await core.broker.fetch(wanted, limit, WAIT)
            except BrokerError as error:
                delay = backoff.next()
                core.link_down(error, delay)
                await core.clock.sleep(delay)
            else:
                backoff.reset()
                core.link_up()
                self._take_in(batch)
            finally:
                self.fetching = False
                window.on_release()

    def _take_in(self, batch: list[Delivery]) -> None:
        if not batch:
            return
        core = self._core
        at = core.clock.time()
        jobs = [Job(delivery, self._verifier.read(delivery)) for delivery in batch]
        for job in jobs:
            envelope, delivery = job.envelope, job.delivery
            name = envelope.name if envelope is not None else ""
            core.reporter.tell(TaskReceived(at, delivery.id, name, delivery.queue, delivery.attempt), envelope)
            self._hold(job)
        core.window.add(jobs)
        if not core.window.accepting:
            self._finisher.hand_back(core.window.withdraw(lambda job: not job.broadcast))
        elif len(core.window.held) > core.window.size:
            self._finisher.hand_back(core.window.excess())

    def _hold(self, job: Job) -> None:
        envelope = job.envelope
        if envelope is None or not self._plans.known(envelope.name):
            return
        hold = self._plans.of(envelope).hold
        if hold > self._core.lease:
            job.delivery.hold = hold
            self._leases.renew_now()
