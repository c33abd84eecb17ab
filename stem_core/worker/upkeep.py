"""Making due jobs ready and taking orphans back, on a timer of its own, also when nothing arrives."""

from __future__ import annotations

import random
from typing import Final

from stem_core.delivery import Upkeep
from stem_core.text import visible
from stem_core.worker.core import Core, log

LEAST: Final = 0.05
MOST: Final = 0.15
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
    """Keep the worker's queues up for ever."""
    queues = core.settings.queues
    while True:
        done = await core.broker.upkeep(queues)
        if done.reclaimed:
            log.info("took %d jobs back from workers that fell silent", done.reclaimed)
        if done.lost:
            log.error("%d jobs are lost: %s no longer has their bytes", done.lost, visible(core.broker.location))
        await core.clock.sleep(pause_after(done, core.lease, random.random()))  # noqa: S311 - spreads load, guards nothing
