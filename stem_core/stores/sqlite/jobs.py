"""What happens to jobs on their way into a queue and out of it: steps of a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from stem_core.delivery import Delivery, Pause, Revocation
from stem_core.envelope import Sealed
from stem_core.stores.sqlite.transaction import Row, Transaction
from stem_core.stores.sqlite.waiting import JOBS

_SHARE: Final = 8
"""Such a part of what is handed out goes to a lower priority first, in turns, so that none starves."""
_LAST_LANE: Final = 9

_pauses: Final = msgspec.json.Decoder(Pause)
_revocations: Final = msgspec.json.Decoder(Revocation)

_INSERT: Final = """
INSERT INTO jobs (place, space, id, queue, priority, since, due, body)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
WHERE NOT EXISTS (SELECT 1 FROM results WHERE space = ?2 AND id = ?3 AND expires > ?6)
ON CONFLICT DO NOTHING
"""
_INSERT_READY: Final = """
INSERT INTO ready SELECT queue, 9 - priority, place FROM jobs WHERE place BETWEEN ? AND ? AND due IS NULL
"""
_INSERT_DELAYED: Final = """
INSERT INTO delayed SELECT queue, due, place FROM jobs WHERE place BETWEEN ? AND ? AND due IS NOT NULL
"""
_ADDED: Final = """
SELECT queue, count(*), count(due) FROM jobs WHERE place BETWEEN ? AND ? GROUP BY queue
"""
_NEXT: Final = """
SELECT ready.lane, ready.place, jobs.id, jobs.body, jobs.priority, jobs.attempt, jobs.deliveries, jobs.returns,
  jobs.crashes, jobs.crashed
FROM ready CROSS JOIN jobs ON jobs.place = ready.place
WHERE ready.queue = ? AND ready.lane BETWEEN ? AND ? ORDER BY ready.lane, ready.place LIMIT ?
"""
_HOLD: Final = """
INSERT INTO held (place, queue, owner, fence, expires)
SELECT place, queue, ?4, ?5, ?6 FROM ready WHERE queue = ?1 AND lane = ?2 AND place <= ?3
"""


def publish(transaction: Transaction, batch: Sequence[Sealed]) -> None:
    """Add jobs whose ids are not known yet."""
    now, space = transaction.now, transaction.space
    first = transaction.number(len(batch))
    last = first + len(batch) - 1
    transaction.change_many(
        _INSERT,
        [
            (place, space, each.id, transaction.queue(each.queue), each.priority, now, _due(each, now), each.body)
            for place, each in enumerate(batch, first)
        ],
    )
    transaction.change(_INSERT_READY, (first, last))
    transaction.change(_INSERT_DELAYED, (first, last))
    for queue, added, delayed in transaction.rows(_ADDED, (first, last)):
        transaction.change(
            "UPDATE queues SET published = published + ?, ready = ready + ?, delayed = delayed + ? WHERE id = ?",
            (added, added - delayed, delayed, queue),
        )
        if added > delayed:
            transaction.ring(JOBS)


def _due(sealed: Sealed, now: float) -> float | None:
    due = max(now + sealed.delay, sealed.not_before or 0.0)
    return due if due > now else None


def open_queues(transaction: Transaction, names: Sequence[str]) -> list[tuple[str, int]]:
    """Return the names and numbers of those queues that have ready jobs and are not paused, in the order given."""
    found = {
        name: number
        for name, number, pause in transaction.rows(
            "SELECT name, id, pause FROM queues "
            "WHERE space = ? AND name IN (SELECT value FROM json_each(?)) AND ready > 0",
            (transaction.space, json.dumps(names)),
        )
        if standing_pause(pause, transaction.now) is None
    }
    return [(name, found[name]) for name in names if name in found]


def standing_pause(packed: bytes | None, now: float) -> Pause | None:
    """Return a queue's pause, unless it has run out."""
    if packed is None:
        return None
    pause = _pauses.decode(packed)
    return None if pause.until is not None and pause.until <= now else pause


class Taking:
    """One fetch.

    Args:
        owner: Who fetches.
        lease: Seconds until what is not renewed may be taken back.
        turn: A number that grows from fetch to fetch.
    """

    def __init__(self, transaction: Transaction, owner: str, lease: float, turn: int) -> None:
        self._transaction = transaction
        self._owner = owner
        self._expires = transaction.now + lease
        self._turn = turn
        self._fence = transaction.number()
        self.found: list[Delivery] = []

    def take_in_turns(self, queues: Sequence[tuple[str, int]], limit: int) -> None:
        """Take up to so many jobs: first an equal share of each queue, then what is left of those that had more."""
        start = self._turn % len(queues)
        rotated = [*queues[start:], *queues[:start]]
        share = max(1, limit // len(rotated))
        left = rotated[limit:]
        for name, number in rotated[:limit]:
            if self._take(name, number, share) == share:
                left.append((name, number))
        for name, number in left:
            if len(self.found) < limit:
                self._take(name, number, limit - len(self.found))
        self._mark_revoked()

    def _take(self, name: str, queue: int, most: int) -> int:
        taken = 0
        lower = self._lower_lane(queue)
        if lower is not None:
            share = most // _SHARE or (self._turn % _SHARE == 0)
            taken += self._take_lanes(name, queue, (lower, lower), share)
        taken += self._take_lanes(name, queue, (0, _LAST_LANE), most - taken)
        if taken:
            self._transaction.change(
                "UPDATE queues SET ready = ready - ?1, inflight = inflight + ?1 WHERE id = ?2", (taken, queue)
            )
        return taken

    def _lower_lane(self, queue: int) -> int | None:
        """Return the lane whose turn it is below the first one, None if there is but one."""
        ends = self._transaction.row(
            "SELECT (SELECT min(lane) FROM ready WHERE queue = ?1), (SELECT max(lane) FROM ready WHERE queue = ?1)",
            (queue,),
        )
        if ends is None or ends[0] == ends[1]:
            return None
        used = self._transaction.rows(
            "SELECT value FROM json_each('[0,1,2,3,4,5,6,7,8,9]') AS lanes "
            "WHERE lanes.value > ? AND EXISTS (SELECT 1 FROM ready WHERE queue = ? AND lane = lanes.value)",
            (ends[0], queue),
        )
        lane: int = used[self._turn // _SHARE % len(used)][0]
        return lane

    def _take_lanes(self, name: str, queue: int, lanes: tuple[int, int], most: int) -> int:
        if most < 1:
            return 0
        transaction = self._transaction
        rows = transaction.rows(_NEXT, (queue, *lanes, most))
        # What was read is the head of each lane, so that its last place tells all of them.
        for lane, place in {row[0]: row[1] for row in rows}.items():
            transaction.change(_HOLD, (queue, lane, place, self._owner, self._fence, self._expires))
            transaction.change("DELETE FROM ready WHERE queue = ? AND lane = ? AND place <= ?", (queue, lane, place))
        self.found += [self._delivery(name, row) for row in rows]
        return len(rows)

    def _delivery(self, queue: str, row: Row) -> Delivery:
        _, place, task_id, body, priority, attempt, deliveries, returns, crashes, crashed = row
        return Delivery(
            id=task_id,
            queue=queue,
            body=body,
            priority=priority,
            attempt=attempt,
            deliveries=deliveries + 1,
            returns=returns,
            crashes=crashes,
            crashed=tuple(crashed.split("|")) if crashed else (),
            owner=self._owner,
            token=f"{place} {self._fence}",
        )

    def _mark_revoked(self) -> None:
        transaction = self._transaction
        if not self.found or not transaction.value("SELECT EXISTS (SELECT 1 FROM revocations)"):
            return
        revoked = {each.id: each for each in standing_revocations(transaction, [each.id for each in self.found])}
        for delivery in self.found:
            delivery.revoked = revoked.get(delivery.id)


def standing_revocations(transaction: Transaction, ids: Iterable[str]) -> list[Revocation]:
    """Return the revocations among these ids that have not run out."""
    found = transaction.rows(
        "SELECT body FROM revocations WHERE space = ? AND until > ? AND id IN (SELECT value FROM json_each(?))",
        (transaction.space, transaction.now, json.dumps(list(ids))),
    )
    return [_revocations.decode(body) for (body,) in found]


def place_of(delivery: Delivery) -> tuple[int, int]:
    """Return a delivery's place and fence; what is no token of this store is no place."""
    place, _, fence = delivery.token.partition(" ")
    return (int(place), int(fence)) if place.isdecimal() and fence.isdecimal() else (-1, -1)


def still_held(transaction: Transaction, deliveries: Iterable[Delivery]) -> dict[tuple[int, int], int]:
    """Return the places and fences, and the numbers of the queues, that these deliveries still own."""
    asked = {place_of(delivery): delivery.owner for delivery in deliveries}
    found = transaction.rows(
        "SELECT place, fence, owner, queue FROM held WHERE place IN (SELECT value FROM json_each(?))",
        (json.dumps([place for place, _ in asked]),),
    )
    return {(place, fence): queue for place, fence, owner, queue in found if asked.get((place, fence)) == owner}


def places(numbers: Iterable[Any]) -> str:
    """Return places as one binding, for json_each."""
    return json.dumps(list(numbers))
