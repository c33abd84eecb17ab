"""Making text from the wire harmless as it enters the model, cheaply for the few names that come again and again."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from stem_core.delivery import Pause, QueueStats
from stem_core.snapshot import RunningTask, WorkerSnapshot
from stem_core.text import visible

NAME_LIMIT: Final = 120
DETAIL_LIMIT: Final = 300
_PLAIN_LIMIT: Final = 64
MAX_SPAN: Final = 1e10

_TYPE_PATH: Final = re.compile(r"(?:[\w<>]+\.)+(?=\w+(?:: |$))")

_remembered = lru_cache(maxsize=4096)(visible)
_Record = TypeVar("_Record", bound=msgspec.Struct)


def span(value: float) -> float:
    """Return seconds from the wire, between nothing and 300 years; what is no number is nothing."""
    return min(value, MAX_SPAN) if value > 0 else 0.0


def clean(text: str) -> str:
    """Return a name from the wire, harmless and at most 120 characters long."""
    return _remembered(text) if len(text) <= _PLAIN_LIMIT else visible(text, NAME_LIMIT)


def clean_detail(text: str) -> str:
    """Return a message from the wire, harmless and at most 300 characters long."""
    return visible(text, DETAIL_LIMIT)


def clean_error(text: str) -> str:
    """Return an error from the wire, harmless, with its class named alone: where that is defined is for the detail."""
    path = _TYPE_PATH.match(text)
    return clean_detail(text[path.end() :] if path is not None else text)


def clean_queue(stats: QueueStats) -> QueueStats:
    """Return the figures of a queue with harmless text; its name is cleaned only for display."""
    if stats.paused is None:
        return stats
    pause = stats.paused
    shown = Pause(by=clean(pause.by), reason=clean_detail(pause.reason), since=pause.since, until=pause.until)
    return msgspec.structs.replace(stats, paused=shown)


def _clean_names(record: _Record, *fields: str) -> _Record:
    changed = {}
    for field in fields:
        text: str = getattr(record, field)
        harmless = clean(text)
        if harmless != text:
            changed[field] = harmless
    return msgspec.structs.replace(record, **changed) if changed else record


def clean_running(task: RunningTask) -> RunningTask:
    """Return a running task with harmless text; its id stays as it is, for commands."""
    return _clean_names(task, "task", "queue", "note")


def clean_snapshot(snapshot: WorkerSnapshot) -> WorkerSnapshot:
    """Return a worker's snapshot with harmless text; the worker's id stays as it is, for commands."""
    cleaned = _clean_names(snapshot, "host", "version", "state")
    return msgspec.structs.replace(
        cleaned,
        queues=tuple(map(clean, cleaned.queues)),
        broadcasts=tuple(map(clean, cleaned.broadcasts)),
        running=tuple(map(clean_running, cleaned.running)),
    )
