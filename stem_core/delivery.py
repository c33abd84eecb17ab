"""The records that pass between a store and those who use it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Subscription(msgspec.Struct, frozen=True):
    """What a fetch wants.

    Args:
        owner: Who fetches: worker id and boot id. The owner of a lease.
        queues: Queue names, in no order of preference: the store takes turns.
    """

    owner: str
    queues: tuple[str, ...]


class Delivery(msgspec.Struct, kw_only=True, gc=False):
    """One job in the hands of one worker, until it is settled or the lease is lost.

    Args:
        id: Task id.
        queue: Queue it came from.
        body: Sealed envelope.
        priority: 0 to 9.
        attempt: Runs that ended in a retry before this one; the first is 0.
        deliveries: How often the job was handed to a worker, this time included; grows over retries too.
        returns: How often a worker handed it back because it knows no such task.
        crashes: Workers that died while this job was known to run, or was all they held.
        crashed: Their ids.
        owner: Who holds it.
        token: The store's fencing token; opaque.
        revoked: Set if the job was revoked before it was fetched.
        hold: Seconds after its last renewal before it may be reclaimed, if longer than the lease. Set by the worker.
        started: Whether its handler has begun. Set by the worker, made known to the store by `renew`.
    """

    id: str
    queue: str
    body: bytes
    priority: int = 0
    attempt: int = 0
    deliveries: int = 1
    returns: int = 0
    crashes: int = 0
    crashed: tuple[str, ...] = ()
    owner: str
    token: str
    revoked: Revocation | None = None
    hold: float = 0.0
    started: bool = False


class Outcome(StrEnum):
    """How a delivery ends."""

    SUCCEEDED = "succeeded"
    DEAD = "dead"
    REVOKED = "revoked"
    RETRY = "retry"
    REQUEUE = "requeue"


class Settlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An outcome to be stored in one step with giving up the delivery.

    Args:
        delivery: What is settled.
        outcome: `SUCCEEDED`, `DEAD` and `REVOKED` are terminal. `RETRY` queues the same bytes with the next attempt
            after `delay`. `REQUEUE` makes the job ready again, before newer ones, as if it had not been fetched; with a
            `delay` it waits for that long first.
        record: Terminal outcomes: the encoded `TaskRecord` to keep, or None if another store keeps it.
        record_ttl: Seconds to keep the record.
        delay: Seconds before a job that is retried or requeued is ready.
        reason: Why it is dead (`max-retries-exhausted`, `poison`, …) or revoked.
        error: What to show in the list of dead letters.
        unregistered: With `REQUEUE`: count it as handed back for want of a handler.
    """

    delivery: Delivery
    outcome: Outcome
    record: bytes | None = None
    record_ttl: float = 86400.0
    delay: float = 0.0
    reason: str = ""
    error: str = ""
    unregistered: bool = False


class Settled(StrEnum):
    """What became of a settlement."""

    COMMITTED = "committed"
    GONE = "gone"
    """Settled before: success, if this is the same settlement sent again."""
    FENCED = "fenced"
    """Another owner has it now; nothing was changed."""


class Pause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Why a queue is not fetched. Times are epoch seconds by the store's clock."""

    by: str = ""
    reason: str = ""
    since: float = 0.0
    until: float | None = None


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """That a task shall not run, or shall stop. `until` is when the store forgets it."""

    id: str
    by: str = ""
    reason: str = ""
    terminate: bool = False
    until: float = 0.0


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """A queue in figures, read in one step.

    The counters (`published` to `retried`) only grow; rates are their differences.

    Args:
        name: Queue name.
        ready: Jobs that a worker could fetch now.
        inflight: Jobs that workers hold.
        delayed: Jobs that wait for their time, retries included.
        dead: Dead letters.
        oldest_s: Age of the oldest ready job in seconds, None if there is none.
        paused: Who paused it and why, or None.
        published: Jobs that entered the queue, replays included.
        succeeded: Jobs that ended well.
        failed: Jobs that became dead letters.
        cancelled: Jobs that were revoked or expired.
        retried: Runs that will be repeated.
    """

    name: str
    ready: int = 0
    inflight: int = 0
    delayed: int = 0
    dead: int = 0
    oldest_s: float | None = None
    paused: Pause | None = None
    published: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task that has not ended stands.

    Args:
        id: Task id.
        queue: Its queue.
        where: `ready`, `inflight` or `delayed`.
        body: Sealed envelope.
        attempt: Number of the current or next run.
        deliveries: How often it was handed out.
        owner: Who holds it, if in flight.
        due: Epoch seconds, if delayed.
    """

    id: str
    queue: str
    where: str
    body: bytes
    attempt: int = 0
    deliveries: int = 0
    owner: str = ""
    due: float | None = None


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's last word.

    Args:
        worker: Worker id.
        age: Seconds since, by the store's clock.
        body: Encoded `WorkerSnapshot`.
    """

    worker: str
    age: float
    body: bytes


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A job that will not run again by itself. `died_at` is epoch seconds by the store's clock."""

    id: str
    queue: str
    body: bytes
    reason: str
    error: str
    attempt: int
    deliveries: int
    died_at: float


class EndedRange(msgspec.Struct, frozen=True, kw_only=True):
    """Which records of ended tasks are wanted.

    Args:
        queues: Of these queues; None for all.
        since: Kept at this time or later, in epoch seconds by the store's clock.
        until: Kept before this time.
    """

    queues: tuple[str, ...] | None = None
    since: float | None = None
    until: float | None = None


class Upkeep(msgspec.Struct, frozen=True, kw_only=True):
    """What a round of upkeep did.

    Args:
        promoted: Delayed jobs that became ready.
        reclaimed: Jobs taken from workers that fell silent.
        lost: Jobs whose bytes the store no longer has (a cause for alarm).
        next_due: Seconds until the next delayed job is due, None if there is none.
    """

    promoted: int = 0
    reclaimed: int = 0
    lost: int = 0
    next_due: float | None = None
