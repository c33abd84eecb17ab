"""How deliveries end: steps of a transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from stem_core.delivery import Outcome, Settled, Settlement
from stem_core.stores.port import record_of
from stem_core.stores.sqlite.jobs import place_of, places, still_held
from stem_core.stores.sqlite.kept import keep
from stem_core.stores.sqlite.transaction import Transaction
from stem_core.stores.sqlite.waiting import JOBS

_DELAY: Final = """
UPDATE jobs SET place = ?2, due = ?3, attempt = attempt + 1, deliveries = deliveries + 1, returns = 0, crashes = 0,
  crashed = '', since = ?4
WHERE place = ?1
"""
_HAND_BACK: Final = "UPDATE jobs SET deliveries = deliveries + ?, returns = returns + ? WHERE place = ?"
_READY_AGAIN: Final = "INSERT INTO ready SELECT queue, 9 - priority, place FROM jobs WHERE place = ?"
_DIE: Final = """
INSERT OR REPLACE INTO dead (number, queue, id, priority, attempt, deliveries, died_at, reason, error, body)
SELECT ?2, queue, id, priority, attempt, deliveries + 1, ?3, ?4, ?5, body FROM jobs WHERE place = ?1
"""
_COUNT: Final = """
UPDATE queues SET inflight = inflight - ?2, succeeded = succeeded + ?3, failed = failed + ?4, dead = dead + ?5,
  cancelled = cancelled + ?6, retried = retried + ?7, ready = ready + ?8, delayed = delayed + ?9
WHERE id = ?1
"""
_COUNTED: Final = ("inflight", "succeeded", "failed", "dead", "cancelled", "retried", "ready", "delayed")


class _Ours(NamedTuple):
    """A settlement of what is still held."""

    place: int
    queue: int
    outcome: Settlement


def settle(transaction: Transaction, outcomes: Sequence[Settlement]) -> list[Settled]:
    """Store outcomes and give up the deliveries that are still held; tell what became of the others."""
    mine = still_held(transaction, (outcome.delivery for outcome in outcomes))
    ours: list[_Ours] = []
    answers: list[Settled] = []
    for outcome in outcomes:
        token = place_of(outcome.delivery)
        queue = mine.pop(token, None)
        if queue is None:
            answers.append(_not_ours(transaction, outcome))
        else:
            ours.append(_Ours(token[0], queue, outcome))
            answers.append(Settled.COMMITTED)
    if ours:
        _Ending(transaction).carry_out(ours)
    return answers


def _not_ours(transaction: Transaction, outcome: Settlement) -> Settled:
    delivery = outcome.delivery
    attempt = transaction.value("SELECT attempt FROM jobs WHERE space = ? AND id = ?", (transaction.space, delivery.id))
    return Settled.GONE if attempt is None or attempt > delivery.attempt else Settled.FENCED


class _Ending:
    """What a batch of settlements does to the file, kind by kind."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._counts: dict[int, Counter[str]] = {}

    def carry_out(self, ours: Sequence[_Ours]) -> None:
        transaction = self._transaction
        transaction.change(
            "DELETE FROM held WHERE place IN (SELECT value FROM json_each(?))", (places(one.place for one in ours),)
        )
        terminal: list[_Ours] = []
        for one in ours:
            self._count(one, "inflight")
            kind = one.outcome.outcome
            if kind is Outcome.RETRY:
                self._retry(one)
            elif kind is Outcome.REQUEUE:
                self._requeue(one)
            else:
                terminal.append(one)
        if terminal:
            self._end(terminal)
        for queue, counts in self._counts.items():
            transaction.change(_COUNT, (queue, *(counts[name] for name in _COUNTED)))
            if counts["ready"]:
                transaction.ring(JOBS)

    def _count(self, one: _Ours, *names: str) -> None:
        counts = self._counts.get(one.queue)
        if counts is None:
            counts = self._counts[one.queue] = Counter()
        for name in names:
            counts[name] += 1

    def _retry(self, one: _Ours) -> None:
        transaction, delay = self._transaction, one.outcome.delay
        place = transaction.number()
        due = transaction.now + delay if delay > 0 else None
        transaction.change(_DELAY, (one.place, place, due, transaction.now))
        if due is None:
            transaction.change(_READY_AGAIN, (place,))
        else:
            transaction.change("INSERT INTO delayed VALUES (?, ?, ?)", (one.queue, due, place))
        self._count(one, "retried", "ready" if due is None else "delayed")

    def _requeue(self, one: _Ours) -> None:
        transaction, delay = self._transaction, one.outcome.delay
        started, unregistered = one.outcome.delivery.started, one.outcome.unregistered
        if started or unregistered:
            transaction.change(_HAND_BACK, (int(started), int(unregistered), one.place))
        if delay > 0:
            due = transaction.now + delay
            transaction.change("UPDATE jobs SET due = ? WHERE place = ?", (due, one.place))
            transaction.change("INSERT INTO delayed VALUES (?, ?, ?)", (one.queue, due, one.place))
        else:
            transaction.change(_READY_AGAIN, (one.place,))
        self._count(one, "ready" if delay <= 0 else "delayed")

    def _end(self, ended: Sequence[_Ours]) -> None:
        transaction = self._transaction
        for one in ended:
            kind = one.outcome.outcome
            if kind is Outcome.DEAD:
                self._die(one)
            else:
                self._count(one, "succeeded" if kind is Outcome.SUCCEEDED else "cancelled")
        # The job goes first, so that its record has room in a file that may not grow.
        transaction.change(
            "DELETE FROM jobs WHERE place IN (SELECT value FROM json_each(?))", (places(one.place for one in ended),)
        )
        keep(transaction, [kept for one in ended if (kept := record_of(one.outcome)) is not None])
        if transaction.value("SELECT EXISTS (SELECT 1 FROM revocations)"):
            transaction.change_many(
                "DELETE FROM revocations WHERE space = ? AND id = ?",
                [(transaction.space, one.outcome.delivery.id) for one in ended],
            )

    def _die(self, one: _Ours) -> None:
        transaction, outcome = self._transaction, one.outcome
        before = transaction.value("SELECT 1 FROM dead WHERE queue = ? AND id = ?", (one.queue, outcome.delivery.id))
        transaction.change(_DIE, (one.place, transaction.number(), transaction.now, outcome.reason, outcome.error))
        self._count(one, "failed", *(() if before else ("dead",)))
