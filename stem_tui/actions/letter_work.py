"""Replaying and deleting dead letters of a frozen list, step by step, and telling what became of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from stem_core.clock import Clock
from stem_tui.store import LetterKey

if TYPE_CHECKING:
    from stem_core.client.dead_letters import DeadLetters, LetterFilter

_CHUNK: Final = 100
FAILING: Final = 0.2
"""Share of what was replayed that may be dead again; beyond it a guarded replay stops itself."""
_SAMPLE: Final = 200
"""Letters replayed first whose fate is watched."""
_FEWEST: Final = 10
"""Letters of which must have been replayed before their fate says anything."""


@dataclass(slots=True)
class Tally:
    """What became of the letters of a list.

    Attributes:
        total: How many there were.
        done: Replayed or deleted.
        gone: Not there any more: somebody else replayed or deleted them.
        again: Replayed by somebody else, and dead again since: other letters now.
        failing: How many of those that were replayed first died once more; only if that stopped the replay.
    """

    total: int
    done: int = 0
    gone: int = 0
    again: int = 0
    failing: int = 0

    @property
    def seen(self) -> int:
        """How many were dealt with."""
        return self.done + self.gone + self.again

    def told(self, word: str) -> str:
        """Return it in words: `12 of 15 replayed, 3 skipped: 2 gone meanwhile, 1 dead again since`."""
        parts = [f"{self.done:,} of {self.total:,} {word}"]
        why = [f"{self.gone:,} gone meanwhile"] if self.gone else []
        why += [f"{self.again:,} dead again since"] if self.again else []
        if why:
            parts.append(f"{self.gone + self.again:,} skipped: {', '.join(why)}")
        if self.seen < self.total:
            why_not = f"stopped itself since {self.failing:,} are dead again" if self.failing else "broken off"
            parts.append(f"{why_not}, {self.total - self.seen:,} left as they were")
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is done to letters.

    Args:
        replay: Whether they are replayed; deleted if not.
        rate: At most so many a second; None for as fast as it goes.
        on_step: Called after each step, with the tally so far.
        stopped: Says whether to break off.
        clock: Paces the steps.
        guarded: Whether a replay stops itself when what it replayed dies again.
    """

    replay: bool
    rate: float | None
    clock: Clock
    on_step: Callable[[Tally], None]
    stopped: Callable[[], bool]
    guarded: bool = False


def steps(frozen: Sequence[LetterKey], rate: float | None) -> list[list[LetterKey]]:
    """Return letters in the steps in which they are done: oldest first in each queue, about a second's worth each."""
    size = _CHUNK if rate is None else max(1, min(_CHUNK, round(rate)))
    found = []
    ordered = sorted(frozen, key=lambda key: (key.queue, key.died_at))
    for _, group in groupby(ordered, key=lambda key: key.queue):
        keys = list(group)
        found += [keys[at : at + size] for at in range(0, len(keys), size)]
    return found


async def carry_out(letters: DeadLetters, frozen: Sequence[LetterKey], work: Work) -> Tally:
    """Replay or delete the letters of a list, and no others.

    Args:
        letters: Where they are.
        frozen: Which; one that died again since it was listed is another letter, and left alone.
        work: What to do.
    """
    tally, watched = Tally(len(frozen)), list[LetterKey]()
    for step in steps(frozen, work.rate):
        if work.stopped() or (work.guarded and await _fails_again(letters, watched, tally)):
            break
        began = work.clock.monotonic()
        done = await _step(letters, step, work, tally)
        watched += done[: _SAMPLE - len(watched)]
        work.on_step(tally)
        if work.rate is not None and tally.seen < tally.total:
            await work.clock.sleep(max(0.0, began + len(step) / work.rate - work.clock.monotonic()))
    return tally


async def _fails_again(letters: DeadLetters, watched: Sequence[LetterKey], tally: Tally) -> bool:
    """Note how many of the letters replayed first are dead again, if they are too many."""
    if len(watched) < _FEWEST:
        return False
    dead = 0
    for queue in dict.fromkeys(key.queue for key in watched):
        ids = tuple(key.id for key in watched if key.queue == queue)
        dead += len([letter async for letter in letters.matching(_filter(queue, ids))])
    if dead <= FAILING * len(watched):
        return False
    tally.failing = dead
    return True


async def _step(letters: DeadLetters, step: Sequence[LetterKey], work: Work, tally: Tally) -> list[LetterKey]:
    """Do one step, and return the letters that were there to be done."""
    queue, ids = step[0].queue, tuple(key.id for key in step)
    found = {letter.dead.id: letter.dead.died_at async for letter in letters.matching(_filter(queue, ids))}
    # Newest first, as the client takes them: it works from the end.
    same = tuple(key.id for key in reversed(step) if found.get(key.id) == key.died_at)
    tally.again += sum(1 for key in step if key.id in found) - len(same)
    done = 0
    if same:
        wanted = _filter(queue, same, until=math.nextafter(step[-1].died_at, math.inf))
        done = await letters.replay(wanted, rate=work.rate) if work.replay else await letters.purge(wanted)
    tally.done += done
    tally.gone += sum(1 for key in step if key.id not in found) + len(same) - done
    return [key for key in step if key.id in same]


def _filter(queue: str, ids: tuple[str, ...], until: float | None = None) -> LetterFilter:
    from stem_core.client.dead_letters import LetterFilter  # noqa: PLC0415 - loaded once letters are looked at

    return LetterFilter(queues=(queue,), ids=ids, until=until)
