"""Rows of SQL to records of the port. The stores that speak SQL ask for the columns in the order given here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stem_core.delivery import DeadLetter, Pause, Place, QueueStats

_FIGURES: Final = (
    "ready", "inflight", "delayed", "dead", "published", "succeeded", "failed", "cancelled", "retried",
)  # fmt: skip


def queue_stats(name: str, figures: Sequence[int], oldest: float | None, paused: Pause | None) -> QueueStats:
    """Return a queue's figures.

    Args:
        name: The queue.
        figures: `ready, inflight, delayed, dead, published, succeeded, failed, cancelled, retried`.
        oldest: Seconds since the oldest ready job became so, None if there is none.
        paused: Its pause, unless that has run out.
    """
    counted = dict(zip(_FIGURES, figures, strict=True))
    return QueueStats(name=name, oldest_s=None if oldest is None else max(0.0, oldest), paused=paused, **counted)


def place(row: Sequence[Any]) -> Place:
    """Return where a job stands, from `id, queue, where, body, attempt, deliveries, owner, due`."""
    task_id, queue, where, body, attempt, deliveries, owner, due = row
    return Place(
        id=task_id,
        queue=queue,
        where=where,
        body=body,
        attempt=attempt,
        deliveries=deliveries,
        owner=owner or "",
        due=due,
    )


def dead_letter(queue: str, row: Sequence[Any]) -> DeadLetter:
    """Return a dead letter, from `number, id, body, reason, error, attempt, deliveries, died_at`."""
    _, task_id, body, reason, error, attempt, deliveries, died_at = row
    return DeadLetter(
        id=task_id,
        queue=queue,
        body=body,
        reason=reason,
        error=error,
        attempt=attempt,
        deliveries=deliveries,
        died_at=died_at,
    )
