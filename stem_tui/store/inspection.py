"""What a worker answers when it is asked for all that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from stem_core.delivery import Revocation
from stem_core.snapshot import WorkerSnapshot
from stem_tui.store.clean import clean, clean_detail, clean_snapshot


class Inspection(NamedTuple):
    """A worker's answer.

    Args:
        worker: Its id, as commands need it.
        label: The same, harmless to show.
        snapshot: How it is, with all of its tasks; harmless.
        revoked: Revocations of tasks that it holds; harmless but their ids.
        latency: Seconds until the answer was there.
        at: When it was there, by the console's monotonic clock.
    """

    worker: str
    label: str
    snapshot: WorkerSnapshot
    revoked: tuple[Revocation, ...]
    latency: float
    at: float


def inspection_of(worker: str, payload: Mapping[str, Any], latency: float, now: float) -> Inspection | None:
    """Return an answer as it is kept, or None if it is not what a worker answers."""
    try:
        snapshot = msgspec.convert(payload.get("snapshot"), WorkerSnapshot)
        revoked = msgspec.convert(payload.get("revoked", ()), tuple[Revocation, ...])
    except msgspec.ValidationError:
        return None
    shown = tuple(msgspec.structs.replace(one, by=clean(one.by), reason=clean_detail(one.reason)) for one in revoked)
    return Inspection(worker, clean(worker), clean_snapshot(snapshot), shown, latency, now)
