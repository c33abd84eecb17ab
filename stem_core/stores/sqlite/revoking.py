"""Keeping a job from running: a step of a transaction."""

from __future__ import annotations

from typing import Final

import msgspec

from stem_core.delivery import Revocation
from stem_core.stores.port import KeptRecord
from stem_core.stores.sqlite.kept import keep, standing_count
from stem_core.stores.sqlite.transaction import Transaction

_RECORD_TTL: Final = 86400.0
_FIND: Final = """
SELECT jobs.place, jobs.queue, queues.name, jobs.priority, jobs.due, jobs.deliveries, jobs.body, held.place NOTNULL
FROM jobs JOIN queues ON queues.id = jobs.queue LEFT JOIN held ON held.place = jobs.place
WHERE jobs.space = ? AND jobs.id = ?
"""


def revoke(transaction: Transaction, revocation: Revocation, record: bytes | None) -> str:
    """End a job that waits, or keep the revocation for when it is handed out.

    Args:
        transaction: What this is a step of.
        revocation: What to revoke.
        record: The record to keep if it waits, with `null` for its envelope; None lets it wait.

    Returns:
        `cancelled`, `pending` or `ended`.
    """
    job = transaction.row(_FIND, (transaction.space, revocation.id))
    if job is None and standing_count(transaction, revocation.id) >= 0:
        return "ended"
    if job is None or record is None or job[-1]:
        transaction.change(
            "INSERT OR REPLACE INTO revocations (space, id, until, body) VALUES (?, ?, ?, ?)",
            (transaction.space, revocation.id, revocation.until, msgspec.json.encode(revocation)),
        )
        return "pending"
    place, queue, name, priority, due, deliveries, body, _ = job
    if due is None:
        transaction.change("DELETE FROM ready WHERE queue = ? AND lane = 9 - ? AND place = ?", (queue, priority, place))
        transaction.change("UPDATE queues SET ready = ready - 1, cancelled = cancelled + 1 WHERE id = ?", (queue,))
    else:
        transaction.change("DELETE FROM delayed WHERE queue = ? AND due = ? AND place = ?", (queue, due, place))
        transaction.change("UPDATE queues SET delayed = delayed - 1, cancelled = cancelled + 1 WHERE id = ?", (queue,))
    transaction.change("DELETE FROM jobs WHERE place = ?", (place,))
    whole = record.removesuffix(b"null}") + body + b"}"
    keep(transaction, [KeptRecord(revocation.id, name, whole, _RECORD_TTL, deliveries)])
    return "cancelled"
