"""Making due jobs ready and taking orphans back, on a timer of its own, also when nothing arrives.

A round costs the store as much whether there is something to do or not, so one of the workers that serve the same
queues does the rounds for all. Rounds are safe wherever they run: where it is not sure who does them, several do.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from typing import Final

from stem_core.delivery import Upkeep
from stem_core.text import visible
from stem_core.worker.core import Core, log
from stem_core.worker.election import LOOK_EVERY, Election

LEAST: Final = 0.05
MOST: Final = 0.12
"""A delayed job that nobody told us of is at most this late."""


def pause_after(done: Upkeep, lease: float, jitter: float) -> float:
    """Return the seconds until the next round.

    Args:
        done: What the last round did.
        lease: The namespace's lease; orphans are looked for at least each fourth of it.
        jitter: A number in [0, 1), so that workers do not come all at once.
    """
    most = min(MOST, lease / 4) * (1.0 - 0.25 * jitter)
    if done.promoted and done.next_due == 0.0:
        return 0.0  # more was due than fits into one round
    if done.promoted or done.reclaimed:
        return min(LEAST, most)
    return most if done.next_due is None else min(max(done.next_due, LEAST), most)


async def run_upkeep(core: Core) -> None:
    """Keep the worker's queues up for ever, or see to it that another worker does."""
    election = Election(core, office_of(core.settings.queues))
    try:
        while True:
            jitter = random.random()  # noqa: S311 - spreads load, guards nothing
            if await election.won():
                pause = pause_after(await _round(core), core.lease, jitter)
            else:
                pause = LOOK_EVERY * (1.0 - 0.5 * jitter)
            await core.clock.sleep(pause)
    finally:
        await election.resign()


def office_of(queues: Iterable[str]) -> str:
    """Return the name of the lock for the upkeep of these queues, the same for all who serve just them."""
    return f"upkeep {hashlib.sha256(' '.join(sorted(queues)).encode()).hexdigest()[:16]}"


async def _round(core: Core) -> Upkeep:
    done = await core.broker.upkeep(core.settings.queues)
    if done.reclaimed:
        log.info("took %d jobs back from workers that fell silent", done.reclaimed)
    if done.lost:
        log.error("%d jobs are lost: %s no longer has their bytes", done.lost, visible(core.broker.location))
    return done
