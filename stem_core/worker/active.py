"""What the worker holds: the jobs, the window that bounds them, and the slots that run them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from stem_core.clock import Clock
from stem_core.delivery import Delivery, Revocation
from stem_core.envelope import Envelope
from stem_core.errors import TaskCancelled, TaskSignal
from stem_core.tasks import RunControl

ALONE_AFTER: Final = 2
"""Crashes after which a job runs while nothing else does, so that it harms no neighbour."""
_BLOCK: Final = 10.0
_OPEN: Final = 60.0


class Revoked(TaskCancelled):
    """Told to a handler whose task was revoked to be terminated."""

    def __init__(self, revocation: Revocation) -> None:
        super().__init__("the task was revoked", revocation.reason or None)
        self.revocation = revocation


class WorkerStops(TaskCancelled):
    """Told to a handler whose worker does not wait for it any longer."""


class Refusal(NamedTuple):
    """Why a message is not taken: the reason of its dead letter, and its error."""

    reason: str
    kind: str
    message: str

    @property
    def is_signature(self) -> bool:
        """Whether it is for the signature."""
        return self.reason.startswith("signature-")


class Job(RunControl):
    """A delivery in this worker, from fetch to settlement.

    Attributes:
        delivery: As the store handed it out.
        envelope: What it says, None if it is refused.
        refusal: Why it is refused, if it is.
        broadcast: Whether it came over a broadcast channel, and so is not settled.
        started_at: Epoch seconds when its handler started, None before.
        task: The slot that runs its handler on the event loop, while it does.
        on_stop: Called when it is told to stop, for a handler that runs elsewhere.
        void: Whether its outcome is nobody's business any more: the lease is lost or it was handed back.
        settling: Whether an outcome is on its way to the store.
    """

    __slots__ = ("broadcast", "delivery", "envelope", "on_stop", "refusal", "settling", "started_at", "task", "void")

    def __init__(self, delivery: Delivery, read: Envelope | Refusal, *, broadcast: bool = False) -> None:
        super().__init__()
        self.delivery = delivery
        self.envelope = read if isinstance(read, Envelope) else None
        self.refusal = None if isinstance(read, Envelope) else read
        self.broadcast = broadcast
        self.started_at: float | None = None
        self.task: asyncio.Task[object] | None = None
        self.on_stop: Callable[[], None] = _nothing
        self.void = False
        self.settling = False

    def tell(self, stop: TaskSignal) -> None:
        """Tell a running handler to stop: on the event loop at its next await, elsewhere at its next checkpoint."""
        self.stop = stop
        if self.task is not None:
            self.task.cancel()
        self.on_stop()


class Window:
    """The jobs this worker holds, at most `concurrency` times `multiplier`, and those that run.

    Args:
        concurrency: Number of slots.
        multiplier: Jobs to hold for each slot.
        clock: Source of time.

    Attributes:
        held: Jobs fetched and not yet settled.
        waiting: Those of them, and broadcasts, that no slot has taken yet.
        running: Those that slots have taken.
        accepting: Whether more may be fetched.
        room: Set when a fetch is worthwhile, or `accepting` changed.
        on_work: Called when a slot may find work.
        on_release: Called when a job is settled or a slot is free.
    """

    def __init__(self, concurrency: int, multiplier: int, clock: Clock) -> None:
        self.concurrency = concurrency
        self.multiplier = multiplier
        self._clock = clock
        self.held: set[Job] = set()
        self.waiting: deque[Job] = deque()
        self.running: set[Job] = set()
        self.accepting = False
        self.room = asyncio.Event()
        self.on_work: Callable[[], None] = _nothing
        self.on_release: Callable[[], None] = _nothing
        self._alone: deque[Job] = deque()
        self._sole: Job | None = None
        self._blocked_from: float | None = None

    @property
    def size(self) -> int:
        """How many jobs may be held."""
        return self.concurrency * self.multiplier

    @property
    def unstarted(self) -> int:
        """Jobs that no slot has taken yet."""
        return len(self.waiting) + len(self._alone)

    def wanted(self) -> int:
        """Return how many jobs to fetch now: 0 unless a fourth of the window is free or nothing waits."""
        if not self.accepting:
            return 0
        size = self.size
        free = size - len(self.held)
        return free if free > 0 and (not self.waiting or free * 4 >= size) else 0

    def add(self, jobs: Iterable[Job]) -> None:
        """Take jobs in."""
        for job in jobs:
            if not job.broadcast:
                self.held.add(job)
            (self._alone if job.delivery.crashes >= ALONE_AFTER else self.waiting).append(job)
        self.on_work()

    def take(self) -> Job | None:
        """Give a slot its next job, or None if there is none to run now."""
        if self._sole is not None or (self._alone and self._alone_blocks()):
            return None
        if self._alone and not self._is_busy():
            job = self._sole = self._alone.popleft()
            self._blocked_from = None
        elif self.waiting:
            job = self.waiting.popleft()
            if not self.waiting:
                self.room.set()
        else:
            return None
        self.running.add(job)
        return job

    def _alone_blocks(self) -> bool:
        # Others are held up for a while so that the job gets its turn, but a long task must not idle all slots.
        if not self._is_busy():
            return False
        now = self._clock.monotonic()
        if self._blocked_from is None or now > self._blocked_from + _BLOCK + _OPEN:
            self._blocked_from = now
        return now < self._blocked_from + _BLOCK

    def _is_busy(self) -> bool:
        # What has ended can still be put down to a crash, until the store has its ending.
        return bool(self.running) or any(job.settling for job in self.held)

    def ended(self, job: Job) -> None:
        """Note that a slot is done with the job."""
        self.running.discard(job)
        self._let_others_run()
        self.on_release()

    def release(self, job: Job) -> None:
        """Forget a job that is settled or lost."""
        self.held.discard(job)
        self._let_others_run()
        if self.wanted():
            self.room.set()
        self.on_release()

    def _let_others_run(self) -> None:
        sole = self._sole
        if sole is not None and sole not in self.running and sole not in self.held:
            self._sole = None
        if self._alone or sole is not None:
            self.on_work()

    def withdraw(self, wanted: Callable[[Job], bool]) -> list[Job]:
        """Take unstarted jobs out, to be settled otherwise; they stay held until then."""
        taken: list[Job] = []
        for line in (self.waiting, self._alone):
            chosen = [job for job in line if wanted(job)]
            if chosen:
                kept = [job for job in line if not wanted(job)]
                line.clear()
                line.extend(kept)
                taken += chosen
        if not self._alone:
            self._blocked_from = None
        self.room.set()
        return taken

    def excess(self) -> list[Job]:
        """Take out the youngest unstarted jobs that are more than the window may hold."""
        taken: list[Job] = []
        while len(self.held) - len(taken) > self.size and self.waiting:
            job = self.waiting.pop()
            if job.broadcast:
                self.waiting.append(job)
                break
            taken.append(job)
        return taken


def _nothing() -> None:
    """Do nothing, until somebody wants to know."""
