"""All peers in turns on one server, and the best of some runs of each in two tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from benchmarks.peers.environments import NotInstalledError, interpreter
from benchmarks.peers.idle import Idle, idle
from benchmarks.peers.pace import Pace, pace
from benchmarks.peers.roster import PEERS, Peer
from benchmarks.processes import percentile

WORK_HEADS = ["", "jobs/s", "of stem", "of hand", "2 processes", "µs CPU/job", "commands/job", "reads/job"]
WAIT_HEADS = ["", "enqueue/s: one", "50 at once", "batches", "wait p50 ms", "p99", "first task s", "idle MiB"]


@dataclass
class Runs:
    """What was measured of one peer."""

    peer: Peer
    alone: list[Pace] = field(default_factory=list)
    paired: list[Pace] = field(default_factory=list)
    waiting: list[Idle] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The best, jobs per second."""
        return max(run.rate for run in self.alone)

    def once(self, url: str, folder: Path) -> None:
        """Add a run of each measurement."""
        self.alone.append(pace(self.peer, _emptied(url), folder))
        self.paired.append(pace(self.peer, _emptied(url), folder, workers=2))
        self.waiting.append(idle(self.peer, _emptied(url), folder))

    def work(self, all_rates: dict[str, float]) -> list[str]:
        """Return its row of the table about work."""
        least = [
            min(column) for column in zip(*((run.cpu, run.commands, run.reads) for run in self.alone), strict=True)
        ]
        return [
            self.peer.title, f"{self.rate:,.0f}",
            *(f"{self.rate / all_rates[name]:.3f}" if name in all_rates else "" for name in ("stem", "hand")),
            f"{max(run.rate for run in self.paired):,.0f}", f"{least[0]:,.0f}", f"{least[1]:.2f}", f"{least[2]:.2f}",
        ]  # fmt: skip

    def wait(self) -> list[str]:
        """Return its row of the table about enqueueing and waiting."""
        waits = [wait for run in self.waiting for wait in run.waits]
        enqueued = [max(run.enqueued[way] or 0.0 for run in self.alone) for way in ("one", "fifty", "batch")]
        return [
            self.peer.title,
            *(f"{rate:,.0f}" if rate else "" for rate in enqueued),
            *(f"{percentile(waits, share):.1f}" for share in (0.5, 0.99)),
            f"{min(run.first for run in self.waiting):.2f}", f"{min(run.memory for run in self.waiting):.0f}",
        ]  # fmt: skip


def _emptied(url: str) -> str:
    with Redis.from_url(url) as server:
        server.flushall()
    return url


def _installed() -> Iterator[Runs]:
    for peer in PEERS:
        try:
            interpreter(peer)
        except NotInstalledError as error:
            print(f"{peer.name} is left out: {error}", flush=True)
        else:
            yield Runs(peer)


def measure(url: str, folder: Path, runs: int) -> tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]:
    """Measure every peer, and say who is left out.

    Args:
        url: A Valkey server, which is emptied before each measurement.
        folder: For files.
        runs: How many of each, in turns; the best counts, of latencies all.

    Returns:
        The rows of the tables about work and about waiting.
    """
    measured = list(_installed())
    for _ in range(runs):
        for each in list(measured):
            try:
                each.once(url, folder)
            except RuntimeError as error:
                print(f"left out: {error}", flush=True)
                measured.remove(each)
    rates = {each.peer.name: each.rate for each in measured}
    return [each.work(rates) for each in measured], [each.wait() for each in measured]
