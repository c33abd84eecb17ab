"""A worker for tests: it runs what was enqueued in the test's own event loop, when the test says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from stem_core.client import Job as Enqueued, Stem
from stem_core.client.sync import BACKGROUND
from stem_core.delivery import Outcome, Subscription
from stem_core.envelope import Envelope
from stem_core.errors import StemError
from stem_core.middleware import Middleware
from stem_core.refusals import RefusalLog
from stem_core.reporting import Frames, Reporter
from stem_core.service import cancel, spawn
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from stem_core.testing.manual_clock import ManualClock
from stem_core.worker.active import Job, Window
from stem_core.worker.children import ChildPool
from stem_core.worker.core import Core, log
from stem_core.worker.entry import Entry
from stem_core.worker.execute import Admission, Executor, Ways
from stem_core.worker.finish import let_others_in
from stem_core.worker.follow import FollowUps, has_follow_ups
from stem_core.worker.inputs import Inputs
from stem_core.worker.limits import Limits
from stem_core.worker.outcome import Ending, event_of, settlement
from stem_core.worker.plan import Plan, Plans
from stem_core.worker.settings import WorkerLifecycleConfig, WorkerSettings, new_boot
from stem_core.worker.threads import ThreadPool
from stem_core.worker.verify import Verifier

_ID: Final = "inline"


@dataclass(frozen=True, slots=True)
class InlineRun:
    """One run of one task.

    Args:
        id: Task id.
        name: Task name.
        args: Its arguments.
        attempt: Number of the run; the first is 0.
        state: What the task became.
        result: What it returned.
        failure: What it raised, if it did.
        reason: Why it failed for good or was cancelled.
    """

    id: str
    name: str
    args: dict[str, object] = field(repr=False)
    attempt: int
    state: TaskState
    result: object
    failure: BaseException | None
    reason: str


class InlineWorker:
    """Puts a Stem on a broker in memory for the length of an `async with` block, and runs its tasks there.

    All tasks run in the test's own event loop and thread, one after the other, whatever their options say; middleware,
    signals, retries, dead letters and results are the real ones. Broadcasts are not run.

    Args:
        stem: Whose tasks to run. Gets back its own broker afterwards.
        immediately: Run each task before its `enqueue` returns, unless a task enqueues it: then right after that one.
        raises: Raise what a task raised that failed for good; otherwise look into `runs`.
        clock: The time of Stem and broker, which stands still.

    Attributes:
        broker: The broker.
        clock: The clock.
        runs: All runs so far.
    """

    def __init__(
        self, stem: Stem, *, immediately: bool = False, raises: bool = True, clock: ManualClock | None = None
    ) -> None:
        self.clock = ManualClock() if clock is None else clock
        self.broker = InMemoryBroker(clock=self.clock, lease=3600.0)
        self.runs: list[InlineRun] = []
        self._stem = stem
        self._raises = raises
        self._extra = [_Immediately(self)] if immediately else []
        self._draining = False
        self._own: dict[str, Any] = {}
        self._relay: list[Any] = []

    async def __aenter__(self) -> Self:
        stem = self._stem
        own = vars(stem)
        self._own = {name: own[name] for name in ("_broker", "_backend", "_clock", "middleware")}
        own |= {
            "_broker": self.broker,
            "_backend": None,
            "_clock": self.clock,
            "middleware": [*self._extra, *stem.middleware],
        }
        if self._extra:
            send_all = stem._send_all  # noqa: SLF001 - the members of a group go out here, past all middleware

            async def send_and_run(*given: Any) -> None:
                await send_all(*given)
                await self.drain()

            own["_send_all"] = send_and_run
        stem._links.clear()  # noqa: SLF001 - only a test puts a Stem elsewhere while it is in use
        self._set_up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stem.close()
        vars(self._stem).pop("_send_all", None)
        vars(self._stem).update(self._own)
        self._stem._links.clear()  # noqa: SLF001 - those of blocking calls too lead to the broker that ends here
        await cancel(*self._relay)
        self._threads.close()

    def _set_up(self) -> None:
        stem = self._stem
        settings = WorkerSettings(
            id=_ID,
            boot=new_boot(),
            queues=(),
            broadcasts=(),
            concurrency=1,
            prefetch_multiplier=1,
            heartbeat_interval=2.0,
            autoscale=None,
            lifecycle=WorkerLifecycleConfig(),
            signer=stem.signer,
            middleware=tuple(each for each in stem.middleware if each not in self._extra),
        )
        self._reporter = Reporter(Frames(self.broker, _ID, settings.boot, self.clock), _ID)
        core = Core(settings, self.broker, self.clock, Window(1, 1, self.clock), self._reporter)
        self._verifier = Verifier(stem.signer, self.broker.namespace, RefusalLog(log))
        self._endings = _Endings()
        self._threads = ThreadPool(_ID)
        self._follow_ups = FollowUps(core, None, lambda _entry: None)
        ways = Ways(self._threads, ChildPool(core, stem.registry), stem, BACKGROUND)
        admission = Admission(Limits(core), Inputs(core, None))
        self._executor = Executor(core, _InlinePlans(stem.registry), self._endings, admission, ways)
        self._executor.closing = lambda: True  # a cancellation from outside is the test's own
        self._owner = settings.owner
        self._relay = [spawn(self._reporter.relay(), "inline-relay")]

    async def drain(self, *, through_delays: bool = False) -> list[InlineRun]:
        """Run all tasks that are due, and those that they enqueue; returns the runs, in order.

        Args:
            through_delays: Run those too that wait for their time, such as retries: the clock is advanced to it.

        Raises:
            Exception: What a task raised that failed for good, if the worker raises; the rest stays queued.
        """
        if self._draining:
            return []
        self._draining = True
        first = len(self.runs)
        try:
            while await self._run_next() or (through_delays and await self._pass_time()):
                continue
            await self._reporter.caught_up()
        finally:
            self._draining = False
        return self.runs[first:]

    async def _run_next(self) -> bool:
        wanted = Subscription(owner=self._owner, queues=tuple(await self.broker.queues()))
        for delivery in await self.broker.fetch(wanted, 1, 0.0):
            job = Job(delivery, self._verifier.read(delivery))
            await self._executor.execute(job)
            await self._settle(job, *self._endings.take())
            return True
        return False

    async def _settle(self, job: Job, ending: Ending, plan: Plan | None) -> None:
        settled = settlement(job, ending, plan, _ID)
        entry = Entry(job, ending, settled, None if plan is not None and plan.ignore_result else ending.result)
        if has_follow_ups(job.envelope, ending.outcome):
            await self._follow_ups.send([entry])
        await self.broker.settle([settled])
        await let_others_in(self.broker, [entry])
        event = event_of(job, ending)
        if event is not None:
            self._reporter.tell(event, job.envelope, ending.result, ending.failure)
        envelope = job.envelope or Envelope(id=job.delivery.id, name="")
        run = InlineRun(
            envelope.id,
            envelope.name,
            envelope.args,
            job.delivery.attempt,
            ending.state,
            ending.result,
            ending.failure,
            ending.reason,
        )
        self.runs.append(run)
        if self._raises and ending.outcome is Outcome.DEAD:
            said = None if ending.error is None else ending.error.message
            raise ending.failure or StemError(f"task {run.name!r} failed: {ending.reason}", said)

    async def _pass_time(self) -> bool:
        waiting = [place for queue in await self.broker.queues() for place in await self.broker.waiting(queue, 1000)]
        dues = [place.due for place in waiting if place.due is not None]
        if not dues:
            return False
        await self.clock.advance(max(min(dues) - self.clock.time(), 0.0))
        return True


class _Immediately(Middleware):
    """Runs what was enqueued before the enqueue returns."""

    def __init__(self, worker: InlineWorker) -> None:
        self._worker = worker

    async def on_enqueue(self, job: Enqueued, call_next: Callable[[Enqueued], Awaitable[str]]) -> str:
        task_id = await call_next(job)
        await self._worker.drain()
        return task_id


class _InlinePlans(Plans):
    """Plans of which none leaves the event loop."""

    def of(self, envelope: Envelope) -> Plan:
        return super().of(envelope)._replace(execution="inline")


class _Endings:
    """Keeps the one ending there is."""

    def __init__(self) -> None:
        self._ending: tuple[Ending, Plan | None] | None = None

    def add(self, job: Job, ending: Ending, plan: Plan | None) -> None:
        self._ending = ending, plan

    def take(self) -> tuple[Ending, Plan | None]:
        ending, self._ending = self._ending, None
        return ending or (Ending(Outcome.REQUEUE), None)
