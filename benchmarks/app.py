"""The tasks that are measured."""

from __future__ import annotations

import asyncio
import mmap
import os
import struct
import time
from pathlib import Path
from typing import Final

from stem_core import Stem

stem = Stem.from_environment()


@stem.task("bench.noop")
async def noop(n: int) -> None:
    """Do nothing."""


_boards: Final[list[mmap.mmap]] = []


def attach(board: str | Path) -> None:
    """Let the stamps of this process go to that file."""
    with Path(board).open("r+b") as file:
        _boards[:] = [mmap.mmap(file.fileno(), 0)]


if "BENCH_BOARD" in os.environ:
    attach(os.environ["BENCH_BOARD"])


@stem.task("bench.stamp")
async def stamp(n: int) -> None:
    """Write when this run began to the n-th place of a shared board. The clock is the same in all processes."""
    for board in _boards:
        board[n * 8 : n * 8 + 8] = struct.pack("d", time.time())


@stem.task("bench.nap")
async def nap(n: int, seconds: float) -> None:
    """Write when this run began, and sleep."""
    await stamp(n)
    await asyncio.sleep(seconds)
