"""Records of ended tasks: steps of a transaction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from stem_core.delivery import EndedRange
from stem_core.stores.port import KeptRecord
from stem_core.stores.sqlite.transaction import Transaction

_MICROSECONDS: Final = 1_000_000
_END_OF_TIME: Final = 2**62

_KEEP: Final = """
INSERT OR REPLACE INTO results (number, space, id, queue, expires, deliveries, record) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_LIST: Final = """
SELECT number, record FROM results
WHERE queue = ? AND number >= ? AND number < ? AND expires > ? ORDER BY number DESC LIMIT ?
"""


def keep(transaction: Transaction, entries: Sequence[KeptRecord]) -> None:
    """Keep records, in place of what was kept of their tasks before."""
    if not entries:
        return
    last: int = transaction.value("SELECT max(number) FROM results") or 0
    first = max(last + 1, int(transaction.now * _MICROSECONDS))
    transaction.change_many(
        _KEEP,
        [
            (
                number,
                transaction.space,
                one.id,
                transaction.queue(one.queue),
                transaction.now + one.ttl,
                one.deliveries,
                one.record,
            )
            for number, one in enumerate(entries, first)
        ],
    )


def standing_count(transaction: Transaction, task_id: str) -> int:
    """Return the delivery count of the record that is kept of a task, -1 if there is none."""
    found = transaction.value(
        "SELECT deliveries FROM results WHERE space = ? AND id = ? AND expires > ?",
        (transaction.space, task_id, transaction.now),
    )
    return -1 if found is None else int(found)


def listed(transaction: Transaction, wanted: EndedRange, limit: int, cursor: str) -> tuple[list[bytes], str]:
    """Return records, those kept last first; a cursor is the number of the last one that was shown."""
    since = 0 if wanted.since is None else math.ceil(wanted.since * _MICROSECONDS)
    before = _END_OF_TIME if wanted.until is None else math.ceil(wanted.until * _MICROSECONDS)
    before = min(before, int(cursor)) if cursor else before
    found: list[Any] = []
    for queue in _queues(transaction, wanted.queues):
        found += transaction.rows(_LIST, (queue, since, before, transaction.now, limit + 1))
    found.sort(reverse=True)
    page = found[:limit]
    return [record for _, record in page], str(page[-1][0]) if len(found) > limit else ""


def _queues(transaction: Transaction, names: Sequence[str] | None) -> list[int]:
    if names is None:
        return [number for (number,) in transaction.rows("SELECT id FROM queues WHERE space = ?", (transaction.space,))]
    numbers = (transaction.known_queue(name) for name in names)
    return [number for number in numbers if number is not None]
