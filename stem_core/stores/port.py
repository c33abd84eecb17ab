"""What a store must do. Everything above speaks to these protocols, and to nothing of a store beside them.

All calls take and return batches; one is a batch of one. A store only stores: retry, poison, expiry and routing are
decided above it. Errors are `BrokerUnavailableError`, `BrokerFullError` or `BrokerError`, never a driver's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from stem_core.delivery import (
    DeadLetter,
    Delivery,
    EndedRange,
    Pause,
    Place,
    Presence,
    QueueStats,
    Revocation,
    Settled,
    Settlement,
    Subscription,
    Upkeep,
)
from stem_core.envelope import Sealed

FROM_NOW: Final = "$"
"""Cursor: only what is appended after this read began."""
FROM_START: Final = "0"
"""Cursor: all that is retained."""


class Message(NamedTuple):
    """One entry of a topic, and the cursor to go on from."""

    topic: str
    cursor: str
    body: bytes


class KeptRecord(NamedTuple):
    """A record for a result backend.

    Args:
        id: Task id.
        queue: The task's queue.
        record: The encoded `TaskRecord`.
        ttl: Seconds to keep it.
        deliveries: Delivery count of the run that it tells of.
    """

    id: str
    queue: str
    record: bytes
    ttl: float
    deliveries: int


def record_of(outcome: Settlement) -> KeptRecord | None:
    """Return the record that a settlement keeps, None if it keeps none."""
    if outcome.record is None:
        return None
    delivery = outcome.delivery
    return KeptRecord(delivery.id, delivery.queue, outcome.record, outcome.record_ttl, delivery.deliveries)


class Queues(Protocol):
    """Competing consumers: each job goes to one worker; leased, fenced, settled."""

    async def publish(self, batch: Sequence[Sealed]) -> None:
        """Add jobs. Idempotent per call: resending after a lost reply adds nothing twice.

        Raises:
            BrokerFullError: No room; nothing of the batch was added to the queue that refused.
        """

    async def fetch(self, wanted: Subscription, limit: int, wait: float) -> list[Delivery]:
        """Take up to `limit` jobs; wait up to `wait` seconds for the first.

        Takes turns among queues, higher priorities first with a share for the lower, FIFO within one. Paused queues
        give nothing. After an error, the next call first returns what the failed one had taken. Not to be cancelled;
        `interrupt` ends the waiting early.
        """

    def interrupt(self, owner: str) -> None:
        """End that owner's current or next waiting at once."""

    async def begin(self, held: Sequence[Delivery]) -> None:
        """Record that these handlers start now, so that a crash is put down to them."""

    async def settle(self, outcomes: Sequence[Settlement]) -> list[Settled]:
        """Store outcomes and give the deliveries up, each in one atomic, fenced step. Works without room to spare."""

    def renew(self, held: Sequence[Delivery]) -> list[bool]:
        """Extend leases. Blocking, thread-safe, on a connection of its own. False: lost to another owner.

        Records `started`, and honours `hold`.
        """

    async def upkeep(self, queues: Sequence[str]) -> Upkeep:
        """Make due jobs ready, and take back jobs whose lease ran out. Safe to run anywhere, any number of times.

        A reclaimed job is ready again before newer ones. Its `crashes` grows if it was recorded as started, or was
        all that its worker held: of all queues, and not just what is left of it since others were reclaimed.
        """

    async def lease(self) -> float:
        """Return the namespace's lease in seconds."""

    async def time(self) -> float:
        """Return epoch seconds by the store's clock."""


class QueueControl(Protocol):
    """The operator's view of queues."""

    async def queues(self) -> list[str]:
        """Return the names of all queues that were ever used, sorted."""

    async def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Return figures, in the order asked for, at a cost that does not grow with the backlog."""

    async def pause(self, queues: Sequence[str], pause: Pause) -> None:
        """Stop fetches from these queues, for all workers. The store sets `since`."""

    async def resume(self, queues: Sequence[str]) -> None:
        """Take pauses back."""

    async def revoke(self, revocations: Sequence[Revocation], records: Mapping[str, bytes]) -> list[str]:
        """Keep jobs from running.

        Args:
            revocations: What to revoke.
            records: By task id, the encoded `TaskRecord` to keep if the job still waits; its envelope must be `null`,
                the store puts the real one in.

        Returns:
            For each: `cancelled` (it waited; it is terminal now), `pending` (a worker holds it, or it is unknown yet;
            fetches will mark it) or `ended` (it is terminal already).
        """

    async def revoked(self, ids: Sequence[str]) -> list[Revocation]:
        """Return the standing revocations among these ids."""

    async def waiting(self, queue: str, limit: int) -> list[Place]:
        """Return jobs that no worker holds, next to run first: ready ones by priority, then delayed ones by time."""

    async def locate(self, ids: Sequence[str]) -> list[Place | None]:
        """Find jobs that have not ended."""


class DeadLetters(Protocol):
    """Jobs that will not run again by themselves."""

    async def dead(self, queue: str, limit: int, cursor: str = "") -> tuple[list[DeadLetter], str]:
        """Return dead letters, newest first, and the cursor of the next page ("" at the end).

        A cursor stays good while letters are replayed, purged and added: no letter is passed over or shown twice.
        """

    async def letters(self, queue: str, ids: Sequence[str]) -> list[DeadLetter | None]:
        """Return the dead letters of these ids, None where there is none."""

    async def replay(self, queue: str, ids: Sequence[str]) -> int:
        """Make dead letters ready again with attempt 0, atomically each; returns how many there were."""

    async def purge(self, queue: str, ids: Sequence[str]) -> int:
        """Delete dead letters; returns how many there were."""


class Topics(Protocol):
    """Append-only, bounded logs that everyone reads with a cursor of their own."""

    async def append(self, topic: str, bodies: Sequence[bytes], ttl: float | None = None) -> None:
        """Append; `ttl` seconds after the last append the topic may vanish (None: keep)."""

    async def read(self, cursors: Mapping[str, str], limit: int, wait: float) -> list[Message]:
        """Return entries after these cursors, by topic; wait up to `wait` seconds for the first.

        Cancelling is safe. Entries that retention removed are skipped.
        """

    async def tail(self, topic: str) -> str:
        """Return the cursor of the newest entry, to read only what comes later without a gap."""


class Presences(Protocol):
    """Who is alive."""

    async def announce(self, worker: str, body: bytes, ttl: float) -> None:
        """Keep a worker's snapshot for `ttl` seconds, by the store's clock."""

    async def withdraw(self, worker: str) -> None:
        """Forget a worker that ended."""

    async def presences(self) -> list[Presence]:
        """Return all workers, those that fell silent included until their `ttl` ends."""


class Document(NamedTuple):
    """A small document of a namespace: an entry of a schedule, a limit that was set at run time."""

    key: str
    version: int
    body: bytes


class Coordination(Protocol):
    """What workers and producers agree on beside jobs. Times are the store's own."""

    async def lock(self, name: str, owner: str, ttl: float) -> str:
        """Take a lock for `ttl` seconds if it is free, and return who has it now; the owner's own is extended."""

    async def relock(self, name: str, owner: str, ttl: float) -> bool:
        """Extend a lock by `ttl` seconds from now, if that owner still has it."""

    async def unlock(self, name: str, owner: str) -> bool:
        """Free a lock, if that owner has it."""

    async def lock_owner(self, name: str) -> str | None:
        """Return who has a lock, None if nobody."""

    async def take_token(self, bucket: str, rate: float, burst: float, line: float = 0.0) -> float:
        """Take a token from a bucket that refills by `rate` tokens a second up to `burst`; a new bucket is full.

        Those who get none stand in a line: each is told a moment of its own to ask again, a token's time after the one
        before, so that each asks about twice however many there are. Only taking a token lets anybody in; a turn is
        advice, and costs nothing if it is missed. A bucket is always asked with the same `rate` and `burst`.

        Args:
            bucket: Which.
            rate: Tokens a second.
            burst: Tokens at most.
            line: Seconds that the line is long at most; who comes later is told its end, or the next token if that is
                later. With 0 all are told the next token.

        Returns:
            0 if a token was taken, else the seconds after which to ask again.
        """

    async def open_group(self, group: str, total: int, ttl: float) -> None:
        """Begin to collect `total` results, for `ttl` seconds from now. What was collected before is dropped."""

    async def add_to_group(self, group: str, member: int, body: bytes) -> int | None:
        """Keep the result of a member, 0 to total - 1; the first one of each member stands.

        Returns:
            How many members are missing now; None if the group is unknown or has run out.
        """

    async def group(self, group: str) -> list[bytes | None] | None:
        """Return the results of all members in their order, None where one is missing; None for an unknown group."""

    async def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind, by key."""

    async def write_document(self, kind: str, key: str, body: bytes | None, version: int | None = None) -> int | None:
        """Write a document, or delete it (`body` None).

        Args:
            kind: What sort of document.
            key: Its name.
            body: Its content.
            version: Write only if this is its version, 0 if there must be none; None writes over whatever is there.

        Returns:
            The new version (0: there is none any more), or None if the version was another one.
        """


class ResultBackend(Protocol):
    """Outcomes of tasks."""

    @property
    def location(self) -> str:
        """Where results lie; equal to a broker's `location` if both are the same store."""

    @property
    def warnings(self) -> Sequence[str]:
        """What an operator should know of this store, a sentence each."""

    async def put(self, entries: Sequence[KeptRecord]) -> list[bool]:
        """Keep records.

        The first terminal record of the highest delivery count stands: False where one of a higher or equal count
        was there.
        """

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return records, None where there is none."""

    async def ended(self, wanted: EndedRange, limit: int, cursor: str = "") -> tuple[list[bytes], str]:
        """Return records, those kept last first, and the cursor of the next page ("" at the end).

        A page may hold fewer than `limit`, or none, before the end: some records may just have run out. A cursor stays
        good while records come and go. When a record was kept is told by the store's clock, to the millisecond.
        """

    async def close(self) -> None:
        """Give connections up. Twice is once."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Broker(Queues, QueueControl, DeadLetters, Topics, Presences, Coordination, Protocol):
    """A whole store."""

    @property
    def location(self) -> str:
        """Where it lies, without credentials."""

    @property
    def namespace(self) -> str:
        """The namespace all its keys are in."""

    @property
    def warnings(self) -> Sequence[str]:
        """What an operator should know of this store, a sentence each: nothing is verified, nothing is persisted."""

    def results(self) -> ResultBackend:
        """Return the result backend in this same store."""

    async def ping(self) -> float:
        """Return the round trip in seconds."""

    async def close(self) -> None:
        """Give connections up. Twice is once."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


def warnings_of(broker: Broker, backend: ResultBackend | None) -> tuple[str, ...]:
    """Return what an operator should know of both, each sentence once."""
    return tuple(dict.fromkeys((*broker.warnings, *(() if backend is None else backend.warnings))))
