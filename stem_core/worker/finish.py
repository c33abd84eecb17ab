"""The settle buffer: endings go to the store in batches; what it does not take waits in a line for each queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from stem_core.client.unique import lock_name
from stem_core.delivery import Outcome, Settled
from stem_core.stores.port import Broker, ResultBackend, record_of
from stem_core.worker.active import Job
from stem_core.worker.aside import Aside, Errand
from stem_core.worker.core import Core, log
from stem_core.worker.entry import Entry
from stem_core.worker.follow import FOR_GOOD, FollowUps, has_follow_ups
from stem_core.worker.outcome import Ending, event_of, not_stored, requeued, settlement
from stem_core.worker.plan import Plan

FLUSH_COUNT: Final = 100
FLUSH_DELAY: Final = 0.002
_MOST: Final = 256


class Finisher:
    """Stores endings.

    Flushes at once when nothing else runs, else after 2 ms or 100 endings; what comes while a flush is under way
    makes the next one. What follows a job is sent first. Jobs stay held, and their leases renewed, until the store
    has answered.

    Args:
        core: What the worker's duties share.
        backend: Where results go first, if that is another store than the broker.

    Attributes:
        follow_ups: Sends what follows a job, before its ending is stored.
    """

    def __init__(self, core: Core, backend: ResultBackend | None) -> None:
        self._core = core
        self._backend = backend
        self._entries: list[Entry] = []
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        errand = Errand("outcomes of queue %s cannot be stored", _queue, self._store, self._store_failure)
        self._aside = Aside(core, errand)
        self.follow_ups = FollowUps(core, backend, self._settle)

    @property
    def pending(self) -> int:
        """How many endings the store does not have yet."""
        return len(self._entries) + self._aside.pending + self.follow_ups.pending

    @property
    def waiting(self) -> int:
        """How many endings the store did not take when it was asked first."""
        return self._aside.pending + self.follow_ups.waiting

    def add(self, job: Job, ending: Ending, plan: Plan | None) -> None:
        """Store this ending soon. A broadcast's is only told."""
        if job.broadcast:
            self._told(job, ending)
            return
        if job.settling:
            return
        job.settling = True
        settled = settlement(job, ending, plan, self._core.settings.id)
        entry = Entry(job, ending, settled, None if plan is not None and plan.ignore_result else ending.result)
        if has_follow_ups(job.envelope, ending.outcome):
            self.follow_ups.add(entry)
        else:
            self._settle(entry)

    def _settle(self, entry: Entry) -> None:
        if self._aside.takes(entry):
            return
        self._entries.append(entry)
        self._some.set()
        window = self._core.window
        if len(self._entries) >= FLUSH_COUNT or (not window.waiting and len(window.running) <= 1):
            self._enough.set()

    def hand_back(self, jobs: Iterable[Job]) -> int:
        """Return unstarted jobs to the store at once; returns how many were."""
        count = 0
        for job in jobs:
            if not job.broadcast and not job.void:
                self.add(job, requeued(), None)
                count += 1
        self._enough.set()
        return count

    async def run(self) -> None:
        """Flush for ever."""
        self._aside.resume()
        try:
            while True:
                await self._some.wait()
                if len(self._entries) < FLUSH_COUNT and not self._enough.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._enough.wait(), FLUSH_DELAY)
                self._enough.clear()
                while self._entries:
                    batch = self._entries[:_MOST]
                    await self._aside.attempt(batch)
                    del self._entries[: len(batch)]
                self._some.clear()
        finally:
            await self._aside.close()

    async def _store(self, batch: list[Entry]) -> None:
        try:
            answers = await self._answers(batch)
        except Exception:
            for entry in batch:
                entry.sent_before = True
            raise
        committed = (entry for entry, answer in zip(batch, answers, strict=True) if answer is Settled.COMMITTED)
        await let_others_in(self._core.broker, committed)
        for entry, answer in zip(batch, answers, strict=True):
            if answer is Settled.COMMITTED or (answer is Settled.GONE and entry.sent_before):
                self._told(entry.job, entry.ending)
            else:
                log.info("the outcome of task %s is void: %s", entry.job.delivery.id, answer)
            self._core.window.release(entry.job)

    async def _store_failure(self, entry: Entry, error: Exception) -> None:
        """Store that an outcome is refused, in its place: the job must not wait for ever, and was not handed back."""
        job, was = entry.job, entry.ending
        if was.outcome is Outcome.REQUEUE:
            raise error
        ending = not_stored(was, error)
        settled = settlement(job, ending, None, self._core.settings.id)
        settled = msgspec.structs.replace(settled, record_ttl=entry.settlement.record_ttl)
        failure = Entry(job, ending, settled, None)
        is_told = was.outcome in FOR_GOOD and job.envelope is not None and job.envelope.group is not None
        if has_follow_ups(job.envelope, ending.outcome) and not is_told:
            await self.follow_ups.send([failure])
        await self._store([failure])
        log.error("task %s is kept as failed: %s", job.delivery.id, ending.error.message if ending.error else "")

    async def _answers(self, batch: list[Entry]) -> list[Settled]:
        settlements = [entry.settlement for entry in batch]
        if self._backend is not None:
            records = [record for each in settlements if (record := record_of(each)) is not None]
            if records:
                await self._backend.put(records)
            settlements = [msgspec.structs.replace(each, record=None) for each in settlements]
        return await self._core.broker.settle(settlements)

    def _told(self, job: Job, ending: Ending) -> None:
        if ending.outcome is Outcome.REQUEUE:
            return
        self._core.counts.add(ending.outcome)
        if job.refusal is not None:
            self._core.counts.refused += job.refusal.is_signature
        event = event_of(job, ending)
        if event is not None:
            self._core.reporter.tell(event, job.envelope, ending.result, ending.failure)


def _queue(entry: Entry) -> str:
    return entry.job.delivery.queue


async def let_others_in(broker: Broker, ended: Iterable[Entry]) -> None:
    """Free the locks of unique jobs that ended; if that fails, the next producer sees that they have."""
    locks = [
        (lock_name(entry.job.envelope.unique), entry.job.delivery.id)
        for entry in ended
        if entry.job.envelope is not None and entry.job.envelope.unique and entry.settlement.record is not None
    ]
    if locks:
        await asyncio.gather(*(broker.unlock(name, owner) for name, owner in locks), return_exceptions=True)
