"""What the command line and the console ask a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from stem_core.client.dead_letters import DeadLetters
    from stem_core.client.listing import TaskFilter

from stem_core.client.connecting import connect
from stem_core.client.control import DEFAULT_TIMEOUT, ControlClient
from stem_core.client.liveness import SeenWorker, seen_workers
from stem_core.client.lookup import find_task, status_of_place
from stem_core.config import StemConfig
from stem_core.delivery import QueueStats
from stem_core.errors import EnvelopeInvalidError
from stem_core.events import EVENTS_TOPIC, Frame, decode_frame
from stem_core.results import TaskStatus
from stem_core.signing import PayloadSigner
from stem_core.stores.port import Broker, ResultBackend, warnings_of

__all__ = ["ClusterClient", "EventBatch", "SeenWorker"]


class EventBatch(msgspec.Struct, frozen=True):
    """Frames of events.

    Args:
        frames: Oldest first.
        cursor: Where to go on reading.
        undecodable: Entries that were no frames.
    """

    frames: list[Frame]
    cursor: str
    undecodable: int


class ClusterClient:
    """One cluster, seen from the outside.

    Args:
        broker: Its broker.
        backend: Its result backend; the broker's own store if None.
        issuer: Who commands; `user@host` if None.
        timeout: Seconds to wait for workers' answers.
        signer: Signs commands; if None, what the environment asks for.
    """

    def __init__(
        self,
        broker: Broker,
        backend: ResultBackend | None = None,
        *,
        issuer: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        signer: PayloadSigner | None = None,
    ) -> None:
        self.broker = broker
        self.backend = broker.results() if backend is None else backend
        self.control = ControlClient(broker, issuer=issuer, timeout=timeout, signer=signer)

    @classmethod
    async def connect(cls, config: StemConfig, *, issuer: str | None = None) -> ClusterClient:
        """Connect to the cluster that the settings name.

        Raises:
            ConfigurationError: No broker is set, or a URL cannot be used; names the setting.
            BrokerUnavailableError: A store cannot be reached.
        """
        signer = PayloadSigner.from_config(config)
        broker, backend = await connect(config)
        return cls(broker, backend, issuer=issuer, timeout=config.control_timeout, signer=signer)

    @property
    def namespace(self) -> str:
        """The cluster's namespace."""
        return self.broker.namespace

    @property
    def location(self) -> str:
        """Where the broker lies, without credentials."""
        return self.broker.location

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should know of broker and result backend, a sentence each."""
        return warnings_of(self.broker, self.backend)

    async def queues(self, names: Sequence[str] | None = None) -> list[QueueStats]:
        """Return figures of these queues, or of all that were ever used or that a worker subscribes to."""
        if names is None:
            subscribed = {queue for worker in await self.workers() if worker.alive for queue in worker.snapshot.queues}
            names = sorted(subscribed.union(await self.broker.queues()))
        return await self.broker.stats(names) if names else []

    async def workers(self) -> list[SeenWorker]:
        """Return the workers, those that fell silent a while ago included, sorted by id."""
        return seen_workers(await self.broker.presences())

    async def task(self, task_id: str) -> TaskStatus | None:
        """Return all that is known of a task, or None if nothing is."""
        return await find_task(self.broker, self.backend, task_id)

    async def tasks(self, wanted: TaskFilter, limit: int = 50, cursor: str = "") -> tuple[list[TaskStatus], str]:
        """Return tasks by state, queue, name and time, and the cursor of the next page ("" at the end)."""
        from stem_core.client.listing import list_tasks  # noqa: PLC0415 - only few commands list tasks

        return await list_tasks(self.broker, self.backend, wanted, limit, cursor)

    async def waiting(self, queue: str, limit: int = 50) -> list[TaskStatus]:
        """Return tasks of a queue that no worker holds, next to run first. What is no envelope is left out."""
        found = []
        for place in await self.broker.waiting(queue, limit):
            with suppress(EnvelopeInvalidError):
                found.append(status_of_place(place, ()))
        return found

    async def events(self, cursor: str, limit: int = 256, wait: float = 0.0) -> EventBatch:
        """Read frames of events.

        Args:
            cursor: After which entry to read.
            limit: At most so many frames.
            wait: Seconds to wait for the first.
        """
        frames: list[Frame] = []
        undecodable = 0
        for message in await self.broker.read({EVENTS_TOPIC: cursor}, limit, wait):
            cursor = message.cursor
            try:
                frames.append(decode_frame(message.body))
            except msgspec.MsgspecError:
                undecodable += 1
        return EventBatch(frames, cursor, undecodable)

    async def events_tail(self) -> str:
        """Return the cursor of the newest frame, to read only what comes later."""
        return await self.broker.tail(EVENTS_TOPIC)

    @property
    def dead_letters(self) -> DeadLetters:
        """Jobs that will not run again by themselves."""
        from stem_core.client.dead_letters import DeadLetters  # noqa: PLC0415 - only few commands need them

        return DeadLetters(self.broker)

    async def ping(self) -> float:
        """Return the round trip to the broker in seconds."""
        return await self.broker.ping()

    async def close(self) -> None:
        """Give connections up."""
        await self.backend.close()
        await self.broker.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
