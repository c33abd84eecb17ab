"""Producers and workers of a peer, as processes of its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.peers.board import Board
from benchmarks.peers.environments import interpreter
from benchmarks.peers.roster import Peer
from benchmarks.processes import ROOT

_OTHERS: Final = ("STEM_", "PYTHON")
"""Variables that would make a difference: with PYTHONDONTWRITEBYTECODE, Stem would be compiled at each start."""


class Trial:
    """A peer at work on a server.

    Args:
        peer: Which.
        url: The server's, empty.
        folder: For files.
        jobs: How many there will be.
        slots: How many a worker runs at once; what is best for the peer if None, and then it is tuned.
        seconds: How long each job sleeps.
    """

    def __init__(
        self, peer: Peer, *, url: str, folder: Path, jobs: int, slots: int | None = None, seconds: float = 0.0
    ) -> None:
        self.peer = peer
        self.board = Board.of(folder / f"{peer.name}.board", jobs)
        self._log = folder / f"{peer.name}.log"
        self._command = [str(interpreter(peer)), "-m", "benchmarks.peers", peer.name]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)},
            "PEER_URL": url,
            "PEER_BOARD": str(self.board.path),
            "PEER_SLOTS": str(slots or peer.slots),
            "PEER_TUNED": str(int(slots is None)),
            "PEER_SECONDS": str(seconds),
        }

    def produce(self, first: int, **ways: int) -> dict[str, Any]:
        """Enqueue jobs from that number on, one that is not measured and then some in each way: see `produce`."""
        plan = [f"{way}={jobs}" for way, jobs in ways.items()]
        with self._log.open("ab") as log:
            done = subprocess.run(
                [*self._command, "produce", str(first), *plan],
                cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=log, check=False,
            )  # fmt: skip
        if done.returncode:
            raise self._failure("its producer failed")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @contextmanager
    def worker(self) -> Iterator[psutil.Process]:
        """Run a worker until the block ends, and kill it with all its children."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [*self._command, "work"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        try:
            yield psutil.Process(process.pid)
        finally:
            kill(process.pid)
            process.wait()

    def wait(self, worker: psutil.Process, *, started: int = 0, ended: int = 0, within: float = 120.0) -> bool:
        """Wait until that many jobs have started and ended; returns whether they did.

        Raises:
            RuntimeError: The worker ended.
        """
        limit = time.monotonic() + within
        while self.board.started() < started or self.board.ended() < ended:
            if worker.status() == psutil.STATUS_ZOMBIE:
                raise self._failure("its worker ended")
            if time.monotonic() > limit:
                return False
            time.sleep(0.002)
        return True

    def _failure(self, what: str) -> RuntimeError:
        lines = self._log.read_text(errors="replace").splitlines()
        return RuntimeError(f"{self.peer.name}: {what}: {' | '.join(lines[-3:])}")


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all that stem from it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def kill(pid: int) -> None:
    """End a process and all that stem from it at once, as the machine's failure would."""
    with suppress(psutil.NoSuchProcess):
        for process in family(pid):
            with suppress(psutil.NoSuchProcess):
                process.kill()
