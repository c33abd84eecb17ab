"""What each peer's task does, and what its adapter is told by the environment."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Final

from benchmarks.peers.board import Board

URL: Final = os.environ["PEER_URL"]
SLOTS: Final = int(os.environ["PEER_SLOTS"])
TUNED: Final = os.environ["PEER_TUNED"] == "1"
"""Whether to use the peer's best settings, rather than those it has by default."""

_SECONDS: Final = float(os.environ["PEER_SECONDS"])
_board: Final = Board(Path(os.environ["PEER_BOARD"]))


def run(n: int) -> None:
    """Be job number `n`, in a peer whose tasks are functions."""
    _board.start(n)
    if _SECONDS:
        time.sleep(_SECONDS)
    _board.end(n)


async def run_async(n: int) -> None:
    """Be job number `n`, in a peer whose tasks are coroutines."""
    _board.start(n)
    if _SECONDS:
        await asyncio.sleep(_SECONDS)
    _board.end(n)
