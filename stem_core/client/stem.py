"""The producer's side: enqueue tasks, and learn what became of them."""

# ruff: noqa: ASYNC109 - running out of time tells where the task stands, it is not a cancellation
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self, Unpack
from weakref import WeakKeyDictionary, finalize

from stem_core.client.announcing import announce
from stem_core.client.blocking import BlockingCalls
from stem_core.client.connecting import check_connected, connect
from stem_core.client.following import Preparer
from stem_core.client.function import TaskDecorator, TaskFunction, TaskOptionsDict
from stem_core.client.job import Job, as_job
from stem_core.client.link import Link, part_all
from stem_core.client.lookup import find_task
from stem_core.client.preparing import Prepared, signing_for
from stem_core.client.unique import send_once
from stem_core.client.watching import watch_task
from stem_core.client.wrapping import Wrapping, enqueue_each
from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.config import DEFAULT, StemConfig
from stem_core.durations import Duration, format_duration, seconds
from stem_core.errors import BrokerError, UsageError, WaitTimeoutError
from stem_core.events import AfterTaskPublish, BeforeTaskPublish
from stem_core.middleware import Middleware
from stem_core.options import TaskOptions
from stem_core.results import TaskStatus
from stem_core.routing import RoutingConfig, broadcast_topic, load_routing
from stem_core.schedule.entry import ScheduleEntry, ScheduleOptions
from stem_core.signals import StemSignals
from stem_core.signing import PayloadSigner
from stem_core.stores.port import Broker, ResultBackend
from stem_core.tasks import SimpleTaskRegistry
from stem_core.tasks.enqueuing import EnqueueOptions

_JOBS_PER_PUBLISH: Final = 500
_IN_PROCESS: Final = "memory:"


class Stem(BlockingCalls):
    """Enqueues tasks by name, and holds the registry that workers serve.

    It connects on first use, anew in each event loop, and gives its connections up when the loop ends, or once nothing
    refers to it any more; `close` does so earlier. What is handed in as `broker` and `backend` stays its owner's.

    Args:
        broker: Where jobs go; if None, `config` says where.
        registry: The tasks that may be enqueued; an empty one if None, to be filled by `task`.
        backend: Where results are; the broker's own store if None.
        routing: Which task goes where; if None, `config.routing_config` names the file.
        config: Settings; if None, and no broker is given, the environment's.
        clock: Tells the time at which jobs are enqueued.
        signer: Signs what is enqueued; if None, what the settings ask for.
        middleware: Stands around each job that is enqueued, and around each run in workers of this Stem; the first is
            outermost.

    Attributes:
        middleware: The same as a list, to be added to before the first use.
        signer: Signs what is enqueued; None if nothing is signed.
    """

    def __init__(  # noqa: PLR0913 - the seed's public constructor
        self,
        *,
        broker: Broker | None = None,
        registry: SimpleTaskRegistry | None = None,
        backend: ResultBackend | None = None,
        routing: RoutingConfig | None = None,
        config: StemConfig | None = None,
        clock: Clock = SYSTEM_CLOCK,
        signer: PayloadSigner | None = None,
        middleware: Iterable[Middleware] = (),
    ) -> None:
        check_connected(broker)
        self._given_signer = signer
        self.middleware = list(middleware)
        self.signer = _signer(signer, config)
        if config is None:
            config = StemConfig.from_environment() if broker is None else StemConfig()
        if broker is None and backend is not None:
            raise UsageError("a result backend is given without a broker", "give both, or set both by URL")
        self.config = config
        self.registry = SimpleTaskRegistry() if registry is None else registry
        self.routing = _routing(routing, config)
        self.schedules: dict[str, ScheduleEntry] = {}
        if not config.signals_enabled or config.signals_disabled:
            StemSignals.configure(enabled=config.signals_enabled, disabled=config.signals_disabled)
        self._broker = broker
        self._backend = backend
        self._clock = clock
        self._links: WeakKeyDictionary[asyncio.AbstractEventLoop, Link] = WeakKeyDictionary()
        finalize(self, part_all, self._links).atexit = False

    @classmethod
    def from_environment(cls, *, registry: SimpleTaskRegistry | None = None) -> Stem:
        """Return a Stem set up by the environment's `STEM_…` variables."""
        return cls(registry=registry, config=StemConfig.from_environment())

    @classmethod
    def from_url(cls, url: str, namespace: str = "stem", *, registry: SimpleTaskRegistry | None = None) -> Stem:
        """Return a Stem for the broker at that URL; all other settings are the environment's."""
        return cls(registry=registry, config=StemConfig.from_environment(broker_url=url, namespace=namespace))

    def task(self, name: str | None = None, /, **options: Unpack[TaskOptionsDict]) -> TaskDecorator:
        """Make a function a task of this Stem: `@stem.task("report.generate", queue="reports", max_retries=3)`.

        Args:
            name: Task name; `module.function` if left out, by the module's name for those who import it.
            options: The fields of `TaskOptions`.
        """
        if callable(name):
            raise UsageError("@stem.task stands without parentheses", "write @stem.task()")
        return TaskDecorator(self, name, TaskOptions(**options))

    def schedule(
        self, name: str, /, *, task: str | TaskFunction[Any, Any, Any], **options: Unpack[ScheduleOptions]
    ) -> ScheduleEntry:
        """Have a task enqueued again and again: `stem.schedule("nightly", task=generate, cron="0 3 * * *")`.

        A `Scheduler` does so, in a worker (`stem worker start --schedule`) or by itself (`stem schedule run`).

        Args:
            name: Name of the entry.
            task: The task, or its name.
            options: The other fields of `ScheduleEntry`.

        Raises:
            UsageError: The entry cannot be so, or the name is taken.
        """
        entry = ScheduleEntry(name, task if isinstance(task, str) else task.name, **options)
        if name in self.schedules:
            raise UsageError(f"schedule {name!r} is defined already", "give each entry a name of its own")
        self.schedules[name] = entry
        return entry

    async def enqueue(
        self, name: str, args: Mapping[str, object] | None = None, **options: Unpack[EnqueueOptions]
    ) -> str:
        """Send a task, and return its id once the broker has it.

        Enqueues that happen at the same time share their round trips. If the task is unique, and one with the same
        arguments waits or runs, nothing is sent, and its id is returned.

        Args:
            name: Task name; the registry must know it.
            args: Arguments by name; JSON data.
            options: See `EnqueueOptions`.

        Raises:
            UnknownTaskError: No such task; the hint has names like it.
            InvalidArgumentsError: The arguments do not fit the task, or are no JSON.
            BrokerFullError: The broker has no room.
            BrokerUnavailableError: The broker cannot be reached.
        """
        return await self._pass(Job(name, args, **options), self._preparer())

    async def enqueue_unchecked(
        self, name: str, args: Mapping[str, object] | None = None, **options: Unpack[EnqueueOptions]
    ) -> str:
        """Do what `enqueue` does, also for a task that this registry lacks: a worker elsewhere may have it."""
        return await self._pass(Job(name, args, **options), self._preparer(unchecked=True))

    async def _pass(self, job: Job, preparer: Preparer) -> str:
        if not self.middleware:
            return await self._enqueue(preparer.prepare(job))
        return await Wrapping(self.middleware).send(job, lambda job: self._enqueue(preparer.prepare(job)))

    async def _enqueue(self, prepared: Prepared) -> str:
        link, envelope = await self._link(), prepared.envelope
        if prepared.unique_for is None:
            await self._send_one(link, prepared)
            return envelope.id
        return await send_once(
            link.broker, envelope.unique, envelope.id, prepared.unique_for, lambda: self._send_one(link, prepared)
        )

    async def _send_one(self, link: Link, prepared: Prepared) -> None:
        await announce(BeforeTaskPublish, (prepared,), prepared.envelope.enqueued_at)
        if prepared.broadcast is None:
            await link.producer.publish((prepared.sealed,))
        else:
            await link.broker.append(broadcast_topic(prepared.broadcast), [prepared.sealed.body])
        await announce(AfterTaskPublish, (prepared,), self._clock.time())

    async def enqueue_many(self, jobs: Iterable[Job | tuple[str, Mapping[str, object]]]) -> list[str]:
        """Send many tasks, and return their ids, in order, once the broker has them all.

        All are checked before the first is sent. Unique ones are sent last, one by one.

        Args:
            jobs: Jobs, or pairs of name and arguments.

        Raises:
            UnknownTaskError: As `enqueue`; likewise all its other errors.
        """
        preparer = self._preparer()
        if self.middleware:
            return await enqueue_each(jobs, preparer.prepare, lambda job: self._pass(job, preparer))
        batch: list[Prepared] = []
        for job in jobs:
            batch.append(preparer.prepare(as_job(job)))
            if len(batch) % _JOBS_PER_PUBLISH == 0:
                await asyncio.sleep(0)
        link = await self._link()
        plain = [prepared for prepared in batch if prepared.unique_for is None]
        await self._send_all(link, plain)
        return [
            prepared.envelope.id if prepared.unique_for is None else await self._enqueue(prepared) for prepared in batch
        ]

    async def status(self, task_id: str) -> TaskStatus | None:
        """Return all that is known of a task, or None if nothing is."""
        link = await self._link()
        return await find_task(link.broker, link.backend, task_id)

    async def wait_for(self, task_id: str, timeout: Duration | None = None) -> TaskStatus:
        """Wait until a task has ended.

        A broker that cannot be reached for a while does not end the waiting.

        Args:
            task_id: Which task.
            timeout: Seconds to wait; None for as long as it takes, 0 to look once.

        Returns:
            Its status; failed and cancelled tasks too have one.

        Raises:
            WaitTimeoutError: It has not ended in time; the hint says where it stands.
        """
        link = await self._link()
        patience = None if timeout is None else seconds(timeout)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                return await link.poller.wait(task_id)
        return await _ended_by_now(link, task_id, f"did not end within {format_duration(patience or 0.0)}")

    async def watch(self, task_id: str) -> AsyncIterator[TaskStatus]:
        """Yield a task's status now and each time that it has changed, until it has ended.

        Args:
            task_id: Which task; one of which nothing is known yet is waited for.

        Raises:
            BrokerUnavailableError: The broker cannot be reached.
        """
        link = await self._link()
        async for status in watch_task(link.broker, link.backend, task_id, self._clock):
            yield status

    async def connect(self) -> tuple[Broker, ResultBackend]:
        """Return the connections of the running event loop, made if need be.

        They stay open until `close`, or until the event loop ends, also if this Stem is there no longer.
        """
        link = await self._link()
        link.lent = True
        return link.broker, link.backend

    def use(self, config: StemConfig) -> None:
        """Take other settings from the next connection on; a broker URL among them replaces a broker handed in.

        The command line does so with its flags, so that all tasks of a process agree with their worker.
        """
        self.config = config
        self.signer = _signer(self._given_signer, config)
        if config.sources.get("broker_url", DEFAULT) != DEFAULT:
            self._broker = self._backend = None
        self._links.clear()

    async def close(self) -> None:
        """Give up the connections of the running event loop. Twice is once; the next use connects again."""
        link = self._links.pop(asyncio.get_running_loop(), None)
        if link is not None:
            await link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _preparer(self, *, unchecked: bool = False) -> Preparer:
        sign = None
        if self.signer is not None:
            sign = signing_for(self.signer, self.config.namespace if self._broker is None else self._broker.namespace)
        return Preparer(self.registry, self.routing, self._clock.time(), sign, unchecked=unchecked)

    def _check_blocking(self) -> None:
        if self._broker is not None and not self._broker.location.startswith(_IN_PROCESS):
            raise UsageError(
                "the broker that was handed in belongs to the event loop that connected it",
                "use Stem.from_url or Stem.from_environment, which connect anew wherever they are used",
            )

    async def _link(self) -> Link:
        loop = asyncio.get_running_loop()
        link = self._links.get(loop)
        if link is None:
            link = self._links[loop] = Link(owned=self._broker is None)
        if not link.ready:
            await link.connect(self._connector)
        return link

    async def _connector(self) -> tuple[Broker, ResultBackend]:
        if self._broker is not None:
            return self._broker, self._broker.results() if self._backend is None else self._backend
        broker, backend = await connect(self.config)
        if broker.location.startswith(_IN_PROCESS):
            # There is nothing to connect to anew: another event loop must find the same jobs.
            self._broker, self._backend = broker, backend
        return broker, backend

    async def _send_all(self, link: Link, batch: list[Prepared]) -> None:
        for start in range(0, len(batch), _JOBS_PER_PUBLISH):
            await self._send(link, batch[start : start + _JOBS_PER_PUBLISH])

    async def _send(self, link: Link, batch: list[Prepared]) -> None:
        await announce(BeforeTaskPublish, batch, self._clock.time())
        await link.producer.publish([prepared.sealed for prepared in batch if prepared.broadcast is None])
        channels: dict[str, list[bytes]] = {}
        for prepared in batch:
            if prepared.broadcast is not None:
                channels.setdefault(prepared.broadcast, []).append(prepared.sealed.body)
        for channel, bodies in channels.items():
            await link.broker.append(broadcast_topic(channel), bodies)
        await announce(AfterTaskPublish, batch, self._clock.time())


def _routing(routing: RoutingConfig | None, config: StemConfig) -> RoutingConfig:
    if routing is None:
        routing = load_routing(config.routing_config) if config.routing_config else RoutingConfig()
    return routing.with_default(config.default_queue)


def _signer(given: PayloadSigner | None, config: StemConfig | None) -> PayloadSigner | None:
    if given is not None:
        return given
    return PayloadSigner.from_environment() if config is None else PayloadSigner.from_config(config)


async def _ended_by_now(link: Link, task_id: str, complaint: str) -> TaskStatus:
    """Return the status of a task that has ended after all, or say where it stands."""
    message = f"task {task_id!r} {complaint}"
    if link.poller.trouble is not None:
        raise WaitTimeoutError(message, f"the broker cannot be reached: {link.poller.trouble.message}")
    try:
        status = await find_task(link.broker, link.backend, task_id)
    except BrokerError as error:
        raise WaitTimeoutError(message, f"where it stands is not known: {error.message}") from error
    if status is None:
        raise WaitTimeoutError(message, "nothing is known of it; is the id right?")
    if status.state.is_terminal:
        return status
    where = f" on {status.worker}" if status.worker else f" in queue {status.queue!r}"
    raise WaitTimeoutError(message, f"it is {status.state}{where}")
