"""What a worker and the server have used so far."""

from __future__ import annotations

from dataclasses import dataclass

import psutil
from redis import Redis

from benchmarks.peers.running import family


@dataclass(frozen=True)
class Cost:
    """Totals since the start.

    Args:
        cpu: Seconds of the processor that the worker used, with its children.
        commands: Commands that the server ran, those in scripts included.
        reads: How often the server read from a socket: once per round trip of a client.
    """

    cpu: float
    commands: int
    reads: int

    def per_job(self, before: Cost, jobs: int) -> tuple[float, float, float]:
        """Return what was used since, per job: microseconds, commands and reads."""
        return (
            (self.cpu - before.cpu) / jobs * 1e6,
            (self.commands - before.commands) / jobs,
            (self.reads - before.reads) / jobs,
        )


def cost(worker: psutil.Process, server: Redis) -> Cost:
    """Ask both."""
    used = 0.0
    for process in family(worker.pid):
        times = process.cpu_times()
        used += times.user + times.system + times.children_user + times.children_system
    calls = sum(command["calls"] for command in server.info("commandstats").values())
    return Cost(used, calls, server.info("stats")["total_reads_processed"])
