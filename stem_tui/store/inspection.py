"""What a worker answers when it is asked for all that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from stem_core.delivery import Revocation
from stem_core.snapshot import WorkerSnapshot
from stem_tui.store.clean import clean, clean_detail, clean_snapshot


class Resized(msgspec.Struct, frozen=True, kw_only=True):
    """That a worker changed its number of slots. `at` is epoch seconds by its clock."""

    at: float
    before: int
    after: int
    reason: str = ""


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """Within which bounds a worker scales itself (None: it does not), and how its slots changed last."""

    min: int | None = None
    max: int | None = None
    last: Resized | None = None


class Inspection(NamedTuple):
    """A worker's answer.

    Args:
        worker: Its id, as commands need it.
        label: The same, harmless to show.
        snapshot: How it is, with all of its tasks; harmless.
        revoked: Revocations of tasks that it holds; harmless but their ids.
        rates: Rate limits that it knows, by task, harmless; None if it does not tell.
        scaling: How it scales itself, harmless; None if it does not tell.
        latency: Seconds until the answer was there.
        at: When it was there, by the console's monotonic clock.
    """

    worker: str
    label: str
    snapshot: WorkerSnapshot
    revoked: tuple[Revocation, ...]
    rates: dict[str, str] | None
    scaling: Scaling | None
    latency: float
    at: float


def inspection_of(worker: str, payload: Mapping[str, Any], latency: float, now: float) -> Inspection | None:
    """Return an answer as it is kept, or None if it is not what a worker answers."""
    try:
        snapshot = msgspec.convert(payload.get("snapshot"), WorkerSnapshot)
        revoked = msgspec.convert(payload.get("revoked", ()), tuple[Revocation, ...])
        rates = msgspec.convert(payload.get("rates"), dict[str, str] | None)
        scaling = msgspec.convert(payload.get("scaling"), Scaling | None)
    except msgspec.ValidationError:
        return None
    shown = tuple(msgspec.structs.replace(one, by=clean(one.by), reason=clean_detail(one.reason)) for one in revoked)
    limits = None if rates is None else {clean(task): clean(rate) for task, rate in rates.items()}
    return Inspection(worker, clean(worker), clean_snapshot(snapshot), shown, limits, _clean(scaling), latency, now)


def _clean(scaling: Scaling | None) -> Scaling | None:
    if scaling is None or scaling.last is None:
        return scaling
    last = msgspec.structs.replace(scaling.last, reason=clean_detail(scaling.last.reason))
    return msgspec.structs.replace(scaling, last=last)
