"""The operator's side of the queues in a SQLite file: figures, pauses, revocations, places, dead letters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from stem_core.delivery import DeadLetter, Pause, Place, QueueStats, Revocation
from stem_core.stores.rows import dead_letter, place, queue_stats
from stem_core.stores.sqlite.jobs import standing_pause, standing_revocations
from stem_core.stores.sqlite.revoking import revoke
from stem_core.stores.sqlite.store import SqliteStore
from stem_core.stores.sqlite.transaction import Transaction
from stem_core.stores.sqlite.waiting import JOBS

_STATS: Final = """
SELECT id, pause, ready, inflight, delayed, dead, published, succeeded, failed, cancelled, retried
FROM queues WHERE space = ? AND name = ?
"""
_OLDEST: Final = """
SELECT min((
  SELECT jobs.since FROM ready CROSS JOIN jobs ON jobs.place = ready.place
  WHERE ready.queue = ? AND ready.lane = lanes.value ORDER BY ready.place LIMIT 1
)) FROM json_each('[0,1,2,3,4,5,6,7,8,9]') AS lanes
"""
_READY: Final = """
SELECT jobs.id, ?1, 'ready', jobs.body, jobs.attempt, jobs.deliveries, '', NULL
FROM ready CROSS JOIN jobs ON jobs.place = ready.place
WHERE ready.queue = ?2 ORDER BY ready.lane, ready.place LIMIT ?3
"""
_DELAYED: Final = """
SELECT jobs.id, ?1, 'delayed', jobs.body, jobs.attempt, jobs.deliveries, '', jobs.due
FROM delayed CROSS JOIN jobs ON jobs.place = delayed.place
WHERE delayed.queue = ?2 ORDER BY delayed.due, delayed.place LIMIT ?3
"""
_LOCATE: Final = """
SELECT jobs.id, queues.name,
  CASE WHEN held.place NOTNULL THEN 'inflight' WHEN jobs.due NOTNULL THEN 'delayed' ELSE 'ready' END,
  jobs.body, jobs.attempt, jobs.deliveries + (held.place NOTNULL), ifnull(held.owner, ''), jobs.due
FROM jobs JOIN queues ON queues.id = jobs.queue LEFT JOIN held ON held.place = jobs.place
WHERE jobs.space = ? AND jobs.id = ?
"""
_LETTERS: Final = """
SELECT number, id, body, reason, error, attempt, deliveries, died_at FROM dead
WHERE queue = ? AND number < ? ORDER BY number DESC LIMIT ?
"""
_LETTER: Final = """
SELECT number, id, body, reason, error, attempt, deliveries, died_at FROM dead WHERE queue = ? AND id = ?
"""
_REPLAY: Final = """
INSERT INTO jobs (place, space, id, queue, priority, since, deliveries, body)
SELECT ?1, ?2, id, queue, priority, ?3, deliveries, body FROM dead WHERE queue = ?4 AND id = ?5
ON CONFLICT DO NOTHING
"""


class SqliteOperations:
    """What people ask of queues and tell them. One part of `SqliteBroker`."""

    _store: SqliteStore

    async def time(self) -> float:
        """Return epoch seconds by the machine's clock."""
        return self._store.clock.time()

    async def queues(self) -> list[str]:
        """Return the names of all queues that were ever used, sorted."""
        return await self._store.read(
            lambda transaction: [
                name
                for (name,) in transaction.rows(
                    "SELECT name FROM queues WHERE space = ? ORDER BY name", (transaction.space,)
                )
            ]
        )

    async def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Return figures, all of one moment."""
        return await self._store.read(lambda transaction: [_stats(transaction, name) for name in queues])

    async def pause(self, queues: Sequence[str], pause: Pause) -> None:
        """Stop fetches from these queues, for all workers."""

        def work(transaction: Transaction) -> None:
            kept = Pause(by=pause.by, reason=pause.reason, since=transaction.now, until=pause.until)
            for name in queues:
                _set_pause(transaction, name, msgspec.json.encode(kept))

        await self._store.write(work)

    async def resume(self, queues: Sequence[str]) -> None:
        """Take pauses back, and wake a waiting fetch."""

        def work(transaction: Transaction) -> None:
            for name in queues:
                if transaction.known_queue(name) is not None:
                    _set_pause(transaction, name, None)
            transaction.ring(JOBS)

        await self._store.write(work)

    async def revoke(self, revocations: Sequence[Revocation], records: Mapping[str, bytes]) -> list[str]:
        """Keep jobs from running; those that wait are terminal at once."""
        return await self._store.write(
            lambda transaction: [revoke(transaction, each, records.get(each.id)) for each in revocations]
        )

    async def revoked(self, ids: Sequence[str]) -> list[Revocation]:
        """Return the standing revocations among these ids."""
        return await self._store.read(lambda transaction: standing_revocations(transaction, ids))

    async def waiting(self, queue: str, limit: int) -> list[Place]:
        """Return jobs that no worker holds, next to run first."""

        def work(transaction: Transaction) -> list[Place]:
            number = transaction.known_queue(queue)
            if number is None:
                return []
            found = transaction.rows(_READY, (queue, number, limit))
            found += transaction.rows(_DELAYED, (queue, number, limit - len(found)))
            return [place(row) for row in found]

        return await self._store.read(work)

    async def locate(self, ids: Sequence[str]) -> list[Place | None]:
        """Find jobs that have not ended."""

        def work(transaction: Transaction) -> list[Place | None]:
            rows = [transaction.row(_LOCATE, (transaction.space, task_id)) for task_id in ids]
            return [None if row is None else place(row) for row in rows]

        return await self._store.read(work)

    async def dead(self, queue: str, limit: int, cursor: str = "") -> tuple[list[DeadLetter], str]:
        """Return dead letters, newest first; a cursor is the number of the last one that was shown."""

        def work(transaction: Transaction) -> tuple[list[DeadLetter], str]:
            below = int(cursor) if cursor else 2**62
            rows = transaction.rows(_LETTERS, (transaction.known_queue(queue), below, limit + 1))
            page = rows[:limit]
            following = str(page[-1][0]) if len(rows) > limit else ""
            return [dead_letter(queue, row) for row in page], following

        return await self._store.read(work)

    async def letters(self, queue: str, ids: Sequence[str]) -> list[DeadLetter | None]:
        """Return the dead letters of these ids, None where there is none."""

        def work(transaction: Transaction) -> list[DeadLetter | None]:
            number = transaction.known_queue(queue)
            rows = [transaction.row(_LETTER, (number, task_id)) for task_id in ids]
            return [None if row is None else dead_letter(queue, row) for row in rows]

        return await self._store.read(work)

    async def replay(self, queue: str, ids: Sequence[str]) -> int:
        """Make dead letters ready again with attempt 0."""
        return await self._store.write(lambda transaction: sum(_replay(transaction, queue, task_id) for task_id in ids))

    async def purge(self, queue: str, ids: Sequence[str]) -> int:
        """Delete dead letters; returns how many there were."""

        def work(transaction: Transaction) -> int:
            number = transaction.known_queue(queue)
            removed = transaction.change(
                "DELETE FROM dead WHERE queue = ? AND id IN (SELECT value FROM json_each(?))",
                (number, json.dumps(list(ids))),
            )
            transaction.change("UPDATE queues SET dead = dead - ? WHERE id = ?", (removed, number))
            return removed

        return await self._store.write(work)


def _set_pause(transaction: Transaction, name: str, packed: bytes | None) -> None:
    transaction.change("UPDATE queues SET pause = ? WHERE id = ?", (packed, transaction.queue(name)))


def _stats(transaction: Transaction, name: str) -> QueueStats:
    row = transaction.row(_STATS, (transaction.space, name))
    if row is None:
        return QueueStats(name=name)
    number, pause, *figures = row
    since: float | None = transaction.value(_OLDEST, (number,))
    oldest = None if since is None else transaction.now - since
    return queue_stats(name, figures, oldest, standing_pause(pause, transaction.now))


def _replay(transaction: Transaction, queue: str, task_id: str) -> int:
    number = transaction.known_queue(queue)
    place = transaction.number()
    if not transaction.change(_REPLAY, (place, transaction.space, transaction.now, number, task_id)):
        return 0
    transaction.change("INSERT INTO ready SELECT queue, 9 - priority, place FROM jobs WHERE place = ?", (place,))
    transaction.change("DELETE FROM dead WHERE queue = ? AND id = ?", (number, task_id))
    transaction.change("DELETE FROM results WHERE space = ? AND id = ?", (transaction.space, task_id))
    transaction.change(
        "UPDATE queues SET dead = dead - 1, ready = ready + 1, published = published + 1 WHERE id = ?", (number,)
    )
    transaction.ring(JOBS)
    return 1
