"""How long people wait: a one-shot command, and the console's first frame."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time

from benchmarks.processes import ROOT
from benchmarks.stores import Place


def _run(arguments: list[str], place: Place) -> float:
    began = time.perf_counter()
    subprocess.run(arguments, check=True, cwd=ROOT, env=place.environment(), stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def first_frame(place: Place) -> float:
    """Return seconds from the start of `stem-tui` until the queue table's heading is on the terminal."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(place.environment(), TERM="xterm-256color", LINES="30", COLUMNS="100")
        os.execv(sys.executable, [sys.executable, "-m", "stem_tui"])
    seen = b""
    try:
        while b"QUEUE" not in seen:
            ready, _, _ = select.select([terminal], [], [], 10)
            if not ready:
                raise TimeoutError("the console drew nothing in 10 s")
            seen += os.read(terminal, 65536)
        return time.perf_counter() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def measure(place: Place, runs: int) -> list[tuple[str, str]]:
    """Return the best of some runs, each against the bare import beside it."""
    bare, command, frame = [], [], []
    for _ in range(runs):
        bare.append(_run([sys.executable, "-c", "import redis.asyncio"], place))
        command.append(_run([sys.executable, "-m", "stem_core", "observe", "queues", "--json"], place))
        frame.append(first_frame(place))
    return [
        ('python -c "import redis.asyncio"', f"{min(bare):.2f} s"),
        ("stem observe queues --json", f"{min(command):.2f} s ({min(command) - min(bare):+.2f} s)"),
        ("stem-tui, first frame", f"{min(frame):.2f} s"),
    ]
