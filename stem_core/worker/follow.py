"""What follows a job is sent before its ending is stored: a crash between the two repeats, and never loses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from stem_core.client.membership import LostMember, note_lost
from stem_core.delivery import Outcome
from stem_core.envelope import Envelope, GroupPlace, Sealed
from stem_core.errors import BrokerFullError
from stem_core.stores.port import ResultBackend
from stem_core.text import visible
from stem_core.worker.aside import Aside, Errand
from stem_core.worker.core import Core, log
from stem_core.worker.entry import Entry

_MOST: Final = 256
FOR_GOOD: Final = frozenset({Outcome.SUCCEEDED, Outcome.DEAD, Outcome.REVOKED})
"""Outcomes after which a job does not run again by itself."""


def has_follow_ups(envelope: Envelope | None, outcome: Outcome) -> bool:
    """Return whether something is to be sent before a job ends like this."""
    if envelope is None:
        return False
    if envelope.group is not None:
        return outcome in FOR_GOOD
    if outcome is Outcome.SUCCEEDED:
        return bool(envelope.links)
    return outcome is Outcome.DEAD and bool(envelope.error_links)


class FollowUps:
    """Sends what follows jobs, and tries again until the store has it.

    It has a line of its own for each place that something goes to, so that a queue that is full, or on a server that
    is away, keeps no other job from being settled. All ids are fixed: what is sent again is there once.

    Args:
        core: What the worker's duties share.
        backend: Where results go, if that is another store than the broker.
        settle: Stores an ending; called once all that follows is sent.
    """

    def __init__(self, core: Core, backend: ResultBackend | None, settle: Callable[[Entry], None]) -> None:
        self._core = core
        self._backend = backend
        self._settle = settle
        self._entries: list[Entry] = []
        self._some = asyncio.Event()
        self._aside = Aside(core, Errand("what follows cannot be sent to %s", _target, self._forward, _insist))

    @property
    def pending(self) -> int:
        """How many endings wait for what follows them to be sent."""
        return len(self._entries) + self.waiting

    @property
    def waiting(self) -> int:
        """How many of them could not be served at once."""
        return self._aside.pending

    def add(self, entry: Entry) -> None:
        """Send what follows this job, then settle it."""
        if self._aside.takes(entry):
            return
        self._entries.append(entry)
        self._some.set()

    async def run(self) -> None:
        """Send for ever."""
        self._aside.resume()
        try:
            while True:
                await self._some.wait()
                while self._entries:
                    batch = self._entries[:_MOST]
                    await self._aside.attempt(batch)
                    del self._entries[: len(batch)]
                self._some.clear()
        finally:
            await self._aside.close()

    async def _forward(self, batch: list[Entry]) -> None:
        await self.send(batch)
        for entry in batch:
            self._settle(entry)

    async def send(self, batch: Sequence[Entry]) -> None:
        """Send what follows these jobs, once.

        Raises:
            BrokerError: The store has not taken all of it.
        """
        members = [entry for entry in batch if _place(entry) is not None and _succeeded(entry)]
        jobs = [sealed for entry in batch for sealed in _links(entry)]
        for callbacks in await asyncio.gather(*map(self._collect, members), return_exceptions=True):
            if isinstance(callbacks, BaseException):
                raise callbacks
            jobs += callbacks
        if self._backend is not None and jobs:
            # A broker that keeps no results forgets an id once its job has ended, and would take it again.
            known = await self._backend.get([job.id for job in jobs])
            jobs = [job for job, record in zip(jobs, known, strict=True) if record is None]
        for start in range(0, len(jobs), _MOST):
            await self._core.broker.publish(jobs[start : start + _MOST])
        await self._note_lost(batch)

    async def _collect(self, entry: Entry) -> list[Sealed]:
        """Keep a member's result; return the callback if it was the last one."""
        place = _place(entry)
        if place is None:
            return []
        missing = await self._core.broker.add_to_group(place.id, place.index, msgspec.json.encode(entry.result))
        if missing is None:
            log.warning(
                "task %s is in group %s, which has run out", visible(entry.job.delivery.id, 80), visible(place.id, 80)
            )
        return [place.callback.sealed()] if missing == 0 and place.callback is not None else []

    async def _note_lost(self, batch: Sequence[Entry]) -> None:
        notes = [(place, _lost(entry, place)) for entry in batch if not _succeeded(entry) and (place := _place(entry))]
        try:
            await note_lost(self._core.broker, notes)
        except BrokerFullError as error:  # a note only spares others to wait, so no job is kept from ending by it
            log.warning("%d groups are not told of members that are lost: %s", len(notes), error.message)


async def _insist(_entry: Entry, error: Exception) -> None:
    # What should have followed is not dropped; once it can be sent, or the worker drains, the job goes on.
    raise error


def _target(entry: Entry) -> str:
    place = _place(entry)
    return ", ".join(sorted({sealed.queue for sealed in _links(entry)})) if place is None else f"group {place.id}"


def _place(entry: Entry) -> GroupPlace | None:
    return None if entry.job.envelope is None else entry.job.envelope.group


def _succeeded(entry: Entry) -> bool:
    return entry.ending.outcome is Outcome.SUCCEEDED


def _lost(entry: Entry, place: GroupPlace) -> LostMember:
    ending, job = entry.ending, entry.job
    return LostMember(
        index=place.index,
        id=job.delivery.id,
        name=job.envelope.name if job.envelope is not None else "",
        state=ending.state,
        error=entry.settlement.error or ending.reason,
    )


def _links(entry: Entry) -> list[Sealed]:
    envelope, outcome = entry.job.envelope, entry.ending.outcome
    if envelope is None:
        return []
    if outcome is Outcome.SUCCEEDED:
        return [link.sealed() for link in envelope.links]
    links = list(envelope.error_links) if outcome is Outcome.DEAD else []
    if envelope.group is not None and envelope.group.on_error is not None:
        links.append(envelope.group.on_error)
    return [link.sealed() for link in links]
