"""Dead letters on Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stem_core.delivery import DeadLetter
from stem_core.stores.postgres.connection import PostgresConnection
from stem_core.stores.postgres.hints import Hints, work_hint
from stem_core.stores.rows import dead_letter

_END: Final = 2**63 - 1


class PostgresDeadLetters:
    """Jobs that will not run again by themselves. One part of `PostgresBroker`."""

    _postgres: PostgresConnection
    _space: int
    _hints: Hints

    async def dead(self, queue: str, limit: int, cursor: str = "") -> tuple[list[DeadLetter], str]:
        """Return dead letters, newest first; a cursor is the number of the last one that was shown."""
        below = int(cursor) if cursor else _END
        rows = await self._postgres.run("dead", {**self._of(queue), "below": below, "most": limit + 1})
        page = rows[:limit]
        return [dead_letter(queue, row) for row in page], str(page[-1][0]) if len(rows) > limit else ""

    async def letters(self, queue: str, ids: Sequence[str]) -> list[DeadLetter | None]:
        """Return the dead letters of these ids, None where there is none."""
        rows = await self._postgres.run("letters", {**self._of(queue), "ids": list(ids)})
        found = {row[1]: dead_letter(queue, row) for row in rows}
        return [found.get(task_id) for task_id in ids]

    async def replay(self, queue: str, ids: Sequence[str]) -> int:
        """Make dead letters ready again with attempt 0."""
        replayed = await self._postgres.run("replay", {**self._of(queue), "ids": list(ids)})
        if replayed:
            self._hints.give([work_hint(queue)])
        return len(replayed)

    async def purge(self, queue: str, ids: Sequence[str]) -> int:
        """Delete dead letters; returns how many there were."""
        return len(await self._postgres.run("purge", {**self._of(queue), "ids": list(ids)}))

    def _of(self, queue: str) -> dict[str, object]:
        return {"namespace": self._space, "queue": queue}
