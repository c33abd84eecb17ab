"""The shapes in which the command line prints what it found, for scripts to rely on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stem_core.client.answers import Answer
from stem_core.client.liveness import SeenWorker
from stem_core.delivery import QueueStats
from stem_core.snapshot import WorkerSnapshot


def queue_document(stats: QueueStats, workers: Sequence[SeenWorker]) -> dict[str, object]:
    """Return a queue as JSON data."""
    return {
        "name": stats.name,
        "ready": stats.ready,
        "inflight": stats.inflight,
        "delayed": stats.delayed,
        "dead": stats.dead,
        "oldest_s": None if stats.oldest_s is None else round(stats.oldest_s, 3),
        "paused": None if stats.paused is None else msgspec.to_builtins(stats.paused),
        "workers": sum(stats.name in seen.snapshot.queues for seen in workers),
    }


def worker_document(seen: SeenWorker) -> dict[str, Any]:
    """Return a worker as JSON data: its age in seconds, whether it is alive, and its last snapshot."""
    place = {"worker": seen.snapshot.worker, "alive": seen.alive, "age_s": round(seen.age, 3)}
    return {**place, **snapshot_document(seen.snapshot)}


def snapshot_document(snapshot: WorkerSnapshot) -> dict[str, Any]:
    """Return a snapshot as JSON data, what is zero or empty included."""
    return {name: msgspec.to_builtins(getattr(snapshot, name)) for name in snapshot.__struct_fields__}


def reply_document(answer: Answer) -> dict[str, Any]:
    """Return a reply as JSON data: what the worker said, and who, how and how fast."""
    reply = answer.reply
    document = {
        "worker": reply.worker,
        "status": reply.status,
        "latency_ms": round(answer.latency * 1000, 1),
        **({"error": reply.error} if reply.error else {}),
    }
    payload = {key: value for key, value in reply.payload.items() if key not in document}
    try:
        if "snapshot" in payload:
            payload["snapshot"] = snapshot_document(msgspec.convert(payload["snapshot"], WorkerSnapshot))
    except msgspec.ValidationError:
        return {**document, **payload}  # another version's snapshot, printed as it came
    return {**document, **payload}
