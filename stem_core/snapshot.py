"""What a worker tells of itself with each heartbeat."""

from __future__ import annotations

from typing import Final

import msgspec

from stem_core.decoding import decode


class RunningTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A task that the worker holds. `started_at` is epoch seconds, None while it waits for a slot."""

    id: str
    task: str
    queue: str
    attempt: int = 0
    started_at: float | None = None
    progress: float | None = None
    note: str = ""


class ChildSnapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A child process of a worker.

    Args:
        pid: Process id.
        busy: Whether it runs a task.
        task: Id of that task, empty if it runs none.
        tasks: Tasks it has run.
        rss: Resident memory in bytes after the last of them.
    """

    pid: int
    busy: bool = False
    task: str = ""
    tasks: int = 0
    rss: int = 0


class WorkerSnapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A worker at one moment.

    Args:
        worker: Worker id.
        boot: Differs with each start of the process.
        host: Host name.
        pid: Process id.
        version: Version of Stem.
        state: `starting`, `running`, `draining` or `stopping`.
        at: Epoch seconds by the worker's clock.
        started_at: When it started.
        interval: Seconds between its heartbeats.
        concurrency: Slots it has now.
        max_concurrency: Upper bound when autoscaling.
        prefetch: Size of its window: jobs it may hold.
        queues: Queues it subscribes to.
        broadcasts: Broadcast channels it subscribes to.
        inflight: Jobs it holds, by queue; only what is not zero.
        running: The tasks it runs, longest first, cut at 200.
        held: Number of jobs it holds, started or not.
        active: Number of tasks it runs.
        succeeded: Since its start; likewise the next four.
        failed: Dead-lettered or failed.
        retried: To be repeated.
        cancelled: Revoked or expired.
        refused: Jobs, broadcasts and commands that were not taken for their signature, or as repetitions.
        loop_lag: Worst delay of its event loop since the last heartbeat, in seconds.
        lease_age: Seconds since its leases were last renewed, None if it holds none.
        rss: Resident memory in bytes.
        cpu: Percent of one core since the last heartbeat.
        dropped: Events it could not publish.
        reconnects: How often the broker was back after it had been lost.
        children: Its child processes, cut at 200.
        capabilities: Commands it answers.
    """

    worker: str
    boot: str
    host: str = ""
    pid: int = 0
    version: str = ""
    state: str = "running"
    at: float = 0.0
    started_at: float = 0.0
    interval: float = 2.0
    concurrency: int = 1
    max_concurrency: int | None = None
    prefetch: int = 1
    queues: tuple[str, ...] = ()
    broadcasts: tuple[str, ...] = ()
    inflight: dict[str, int] = {}
    running: tuple[RunningTask, ...] = ()
    held: int = 0
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    cancelled: int = 0
    refused: int = 0
    loop_lag: float = 0.0
    lease_age: float | None = None
    rss: int = 0
    cpu: float = 0.0
    dropped: int = 0
    reconnects: int = 0
    children: tuple[ChildSnapshot, ...] = ()
    capabilities: tuple[str, ...] = ()


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(WorkerSnapshot)


def encode_snapshot(snapshot: WorkerSnapshot) -> bytes:
    """Encode a snapshot for the store."""
    return _encoder.encode(snapshot)


def decode_snapshot(data: bytes) -> WorkerSnapshot:
    """Decode a snapshot; raises msgspec.MsgspecError if it is none."""
    return decode(_decoder, data)
