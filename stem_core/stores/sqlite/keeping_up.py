"""What becomes due, runs out or is left behind: steps of a transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from stem_core.delivery import Upkeep
from stem_core.stores.sqlite.coordination import forget_expired
from stem_core.stores.sqlite.transaction import Transaction
from stem_core.stores.sqlite.waiting import JOBS

_PROMOTED: Final = 256
_SWEPT: Final = 1_000
_VACUUMED: Final = 512
_FREE_PAGES: Final = 1_024
"""Free pages (4 KiB each) that the file keeps for what comes next."""
_FREE_SHARE: Final = 4

_CLOCKS: Final = """
SELECT id,
  (SELECT min(due) FROM delayed WHERE queue = queues.id), (SELECT min(expires) FROM held WHERE queue = queues.id)
FROM queues WHERE space = ? AND name IN (SELECT value FROM json_each(?))
"""
_DUE: Final = "SELECT due, place FROM delayed WHERE queue = ? AND due <= ? ORDER BY due, place LIMIT ?"
_EXPIRED: Final = """
SELECT held.place, held.owner, held.started, jobs.crashed FROM held JOIN jobs ON jobs.place = held.place
WHERE held.queue = ? AND held.expires <= ?
"""
_SHARED: Final = """
UPDATE held SET started = -1 WHERE started = 0 AND owner IN (
  SELECT held.owner FROM held JOIN queues ON queues.id = held.queue
  WHERE queues.space = ? AND held.owner IN (SELECT value FROM json_each(?)) GROUP BY held.owner HAVING count(*) > 1
)
"""
_TAKEN_BACK: Final = """
UPDATE jobs SET deliveries = deliveries + 1, crashes = crashes + ?2, crashed = ?3 WHERE place = ?1
"""
_READY_AGAIN: Final = """
INSERT INTO ready SELECT queue, 9 - priority, place FROM jobs WHERE place IN (SELECT value FROM json_each(?))
"""
_OLD: Final = """
SELECT EXISTS (SELECT 1 FROM results WHERE expires <= ?1) OR EXISTS (SELECT 1 FROM topics WHERE expires <= ?1)
  OR EXISTS (SELECT 1 FROM revocations WHERE until <= ?1) OR EXISTS (SELECT 1 FROM presences WHERE expires <= ?1)
  OR EXISTS (SELECT 1 FROM locks WHERE expires <= ?1) OR EXISTS (SELECT 1 FROM buckets WHERE expires <= ?1)
  OR EXISTS (SELECT 1 FROM collections WHERE expires <= ?1)
"""
_OLD_RESULTS: Final = """
DELETE FROM results WHERE number IN (SELECT number FROM results WHERE expires <= ? ORDER BY expires LIMIT ?)
"""
_OLD_ENTRIES: Final = """
DELETE FROM entries WHERE number IN (SELECT number FROM entries WHERE topic = ? ORDER BY number LIMIT ?)
"""


class Clocks(NamedTuple):
    """When something falls due in a queue next.

    Args:
        queue: The queue's number.
        due: When the next delayed job is ready.
        expires: When the next lease runs out.
    """

    queue: int
    due: float | None
    expires: float | None


def clocks_of(transaction: Transaction, names: Sequence[str]) -> list[Clocks]:
    """Return the clocks of those queues that exist."""
    return [Clocks(*row) for row in transaction.rows(_CLOCKS, (transaction.space, json.dumps(names)))]


def has_work(clocks: Sequence[Clocks], now: float) -> bool:
    """Return whether anything is due."""
    return any(moment is not None and moment <= now for _, *moments in clocks for moment in moments)


def next_due(clocks: Sequence[Clocks], now: float) -> float | None:
    """Return the seconds until the next delayed job is due."""
    dues = [clock.due for clock in clocks if clock.due is not None]
    return max(0.0, min(dues) - now) if dues else None


def keep_up(transaction: Transaction, names: Sequence[str]) -> Upkeep:
    """Make due jobs ready, and take back what silent workers hold."""
    now, promoted, reclaimed = transaction.now, 0, 0
    for queue, due, expires in clocks_of(transaction, names):
        if expires is not None and expires <= now:
            reclaimed += _reclaim(transaction, queue)
        if due is not None and due <= now:
            promoted += _promote(transaction, queue)
    if promoted or reclaimed:
        transaction.ring(JOBS)
    return Upkeep(promoted=promoted, reclaimed=reclaimed, next_due=next_due(clocks_of(transaction, names), now))


def _promote(transaction: Transaction, queue: int) -> int:
    """Give due jobs new places, in the order of their times: behind what is ready already."""
    due = transaction.rows(_DUE, (queue, transaction.now, _PROMOTED))
    first = transaction.number(len(due))
    transaction.change_many(
        "UPDATE jobs SET place = ?, due = NULL, since = ? WHERE place = ?",
        [(place, transaction.now, old) for place, (_, old) in enumerate(due, first)],
    )
    transaction.change_many(
        "DELETE FROM delayed WHERE queue = ? AND due = ? AND place = ?", [(queue, moment, old) for moment, old in due]
    )
    transaction.change(
        "INSERT INTO ready SELECT queue, 9 - priority, place FROM jobs WHERE place BETWEEN ? AND ?",
        (first, first + len(due) - 1),
    )
    transaction.change("UPDATE queues SET delayed = delayed - ?2, ready = ready + ?2 WHERE id = ?1", (queue, len(due)))
    return len(due)


def _reclaim(transaction: Transaction, queue: int) -> int:
    """Make jobs of silent workers ready at their old places; those that were begun, or held alone, count a crash."""
    silent = {owner for _, owner, *_ in transaction.rows(_EXPIRED, (queue, transaction.now))}
    transaction.change(_SHARED, (transaction.space, json.dumps(sorted(silent))))
    lost = transaction.rows(_EXPIRED, (queue, transaction.now))
    changed: list[tuple[Any, ...]] = []
    for place, owner, started, crashed in lost:
        crash = started >= 0
        changed.append((place, int(crash), "|".join(filter(None, (crashed, owner))) if crash else crashed))
    transaction.change_many(_TAKEN_BACK, changed)
    numbers = json.dumps([place for place, *_ in lost])
    transaction.change("DELETE FROM held WHERE place IN (SELECT value FROM json_each(?))", (numbers,))
    transaction.change(_READY_AGAIN, (numbers,))
    transaction.change(
        "UPDATE queues SET inflight = inflight - ?2, ready = ready + ?2 WHERE id = ?1", (queue, len(lost))
    )
    return len(lost)


def needs_sweep(transaction: Transaction) -> bool:
    """Return whether anything has run out, or the file has grown too large for what is in it."""
    return bool(transaction.value(_OLD, (transaction.now,))) or _excess_pages(transaction) > 0


def sweep(transaction: Transaction) -> bool:
    """Remove a limited number of what has run out, of all namespaces; returns whether there may be more."""
    now, removed = transaction.now, 0
    for topic, entries in transaction.rows("SELECT id, entries FROM topics WHERE expires <= ? LIMIT 100", (now,)):
        if entries <= _SWEPT:
            transaction.change("DELETE FROM topics WHERE id = ?", (topic,))
        else:
            transaction.change("UPDATE topics SET entries = entries - ? WHERE id = ?", (_SWEPT, topic))
        removed = max(removed, transaction.change(_OLD_ENTRIES, (topic, _SWEPT)))
    removed = max(removed, transaction.change(_OLD_RESULTS, (now, _SWEPT)))
    transaction.change("DELETE FROM revocations WHERE until <= ?", (now,))
    transaction.change("DELETE FROM presences WHERE expires <= ?", (now,))
    forget_expired(transaction)
    excess = min(_excess_pages(transaction), _VACUUMED)
    if excess > 0:
        transaction.rows(f"PRAGMA incremental_vacuum({excess})")
    return removed == _SWEPT or excess == _VACUUMED


def sweep_results(transaction: Transaction, most: int) -> None:
    """Remove a number of records that have run out."""
    transaction.change(_OLD_RESULTS, (transaction.now, most))


def _excess_pages(transaction: Transaction) -> int:
    free: int = transaction.value("PRAGMA freelist_count")
    kept = max(_FREE_PAGES, transaction.value("PRAGMA page_count") // _FREE_SHARE)
    return free - _FREE_PAGES if free > kept else 0
