"""The tasks that are measured."""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

from stem_core import Stem

stem = Stem.from_environment()


@stem.task("bench.noop")
async def noop(n: int) -> None:
    """Do nothing."""


def _board() -> mmap.mmap | None:
    path = os.environ.get("BENCH_BOARD")
    if path is None:
        return None
    with Path(path).open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


_BOARD = _board()


@stem.task("bench.stamp")
async def stamp(n: int) -> None:
    """Write when this run began to the n-th place of a shared board. The clock is the same in all processes."""
    if _BOARD is not None:
        _BOARD[n * 8 : n * 8 + 8] = struct.pack("d", time.time())
