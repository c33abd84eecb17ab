"""Why jobs die: dead letters whose task, reason and error are alike share a cause, whatever ids the error has."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from stem_core.client.dead_letters import Letter

_PARTS: Final = (
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "<url>"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<address>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?:0x)?[0-9a-f]{6,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "#"),
)
"""What differs from one failure to the next, though the cause is the same."""
_LONGEST: Final = 300


class Tally(msgspec.Struct, kw_only=True):
    """The dead letters of one cause.

    Args:
        task: Task name, None if the bytes are no envelope.
        reason: Such as `poison`.
        error: The error, without what differs each time.
        count: How many there are.
        first_at: When the oldest died, in epoch seconds by the store's clock.
        last_at: When the newest died.
        last_id: Task id of the newest.
    """

    task: str | None
    reason: str
    error: str
    count: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    last_id: str = ""

    def add(self, letter: Letter) -> None:
        """Count a letter in."""
        dead = letter.dead
        self.first_at = dead.died_at if not self.count else min(self.first_at, dead.died_at)
        if not self.count or dead.died_at > self.last_at:
            self.last_at, self.last_id = dead.died_at, dead.id
        self.count += 1


def alike(error: str) -> str:
    """Return an error without ids, numbers and addresses."""
    for pattern, stands in _PARTS:
        error = pattern.sub(stands, error)
    return error


async def tallied(letters: AsyncIterator[Letter]) -> list[Tally]:
    """Return the causes of dead letters, the most frequent first."""
    causes: dict[tuple[str | None, str, str], Tally] = {}
    async for letter in letters:
        key = letter.task, letter.dead.reason, alike(letter.dead.error[:_LONGEST])
        causes.setdefault(key, Tally(task=key[0], reason=key[1], error=key[2])).add(letter)
    return sorted(causes.values(), key=lambda cause: (-cause.count, -cause.last_at))
