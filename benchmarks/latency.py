"""Time from the call of enqueue to the start of the task, on an idle worker in another process."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from benchmarks.app import stamp, stem
from benchmarks.processes import Board, go_to, until_done, worker
from benchmarks.stores import Place

_APART: Final = 0.13
"""Seconds."""


async def _send(place: Place, numbers: range, gap: float) -> list[float]:
    sent = []
    go_to(place)
    async with stem:
        await stem.connect()
        for n in numbers:
            sent.append(time.time())
            await stamp.enqueue(n=n)
            await asyncio.sleep(gap)
    return sent


def waits(place: Place, folder: Path, jobs: int) -> list[float]:
    """Send single tasks, after some that warm everything up, and return how many ms each waited.

    They are far enough apart for the worker to have told of each, results and events, before the next.
    """
    warm = 20
    board = Board(folder, warm + jobs)
    with worker(place, 10, board.path):
        asyncio.run(_send(place, range(warm), 0.05))
        asyncio.run(until_done(place, warm))
        sent = asyncio.run(_send(place, range(warm, warm + jobs), _APART))
        asyncio.run(until_done(place, warm + jobs))
    return [(start - at) * 1000 for start, at in zip(board.starts()[warm:], sent, strict=True)]
