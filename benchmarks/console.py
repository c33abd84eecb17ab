"""What the console costs, and how it answers keys while a cluster talks: the real program in a pseudo-terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from benchmarks.crowd import crowd
from benchmarks.processes import ROOT, percentile
from benchmarks.stores import Place

_SETTLE: Final = 3.0
_CURSOR: Final = re.compile("\x1b\\[(\\d+);1H(?:\x1b\\[[0-9;]*m)*▸".encode())
_BURST: Final = 10.0
_AT: Final = (0.5, 0.95, 1.0)
_KEYS: Final = ("p50", "p95", "key")


class Console:
    """A console in a pseudo-terminal of 100 by 30."""

    def __init__(self, terminal: int, process: subprocess.Popen[bytes], report: Path) -> None:
        self._terminal = terminal
        self._process = psutil.Process(process.pid)
        self.report = report

    def read(self, seconds: float) -> bytes:
        """Return what it writes within that time, at the first moment at which there is something."""
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, seconds))
        return os.read(self._terminal, 1 << 20) if ready else b""

    def watch(self, seconds: float) -> None:
        """Let it draw for that long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def until(self, text: bytes) -> None:
        """Let it draw until that was seen."""
        seen, end = b"", time.monotonic() + 15.0
        while text not in seen:
            seen += self.read(end - time.monotonic())
            if time.monotonic() > end:
                raise TimeoutError(f"the console never drew {text!r}")

    def press(self, key: bytes, row: int) -> float:
        """Press a key, and return the seconds until the cursor stands in that row."""
        began, seen = time.perf_counter(), b""
        os.write(self._terminal, key)
        while not any(int(match[1]) == row for match in _CURSOR.finditer(seen)):
            seen += self.read(5.0)
            if time.perf_counter() - began > 5.0:
                raise TimeoutError(f"{key!r} moved no cursor")
        return time.perf_counter() - began

    def find_cursor(self) -> int:
        """Put the cursor on the first worker, and return in which row of the screen that is."""
        os.write(self._terminal, b"2g")
        seen, end = b"", time.monotonic() + 1.0
        while (left := end - time.monotonic()) > 0:
            seen += self.read(left)
        return int(list(_CURSOR.finditer(seen))[-1][1])

    def keys(self, seconds: float) -> list[float]:
        """Move the cursor to and fro for that long, and return how many ms each key took to be seen."""
        row = self.find_cursor()
        took, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            took.append(self.press(b"j", row + 1) * 1000)
            self.watch(random.uniform(0.02, 0.12))
            took.append(self.press(b"k", row) * 1000)
            self.watch(random.uniform(0.02, 0.12))
        return took

    def processor(self, seconds: float) -> float:
        """Return percent of a core that it takes while nobody presses a key."""
        before, began = self._process.cpu_times(), time.monotonic()
        self.watch(seconds)
        after, took = self._process.cpu_times(), time.monotonic() - began
        return 100 * (after.user + after.system - before.user - before.system) / took

    def memory(self) -> float:
        """Return its resident memory in MB."""
        return self._process.memory_info().rss / (1 << 20)

    def leave(self) -> dict[str, float]:
        """Let it end, and return what it read and how its loop was held up."""
        os.write(self._terminal, b"\x03")
        while self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE:
            self.read(0.05)
        report: dict[str, float] = json.loads(self.report.read_text())
        return report


@contextmanager
def console(place: Place, folder: Path, module: str = "stem_tui") -> Iterator[Console]:
    """Run a console until the block ends, from the moment at which it shows queues and workers."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    report = folder / "report.json"
    env = place.environment(TERM="xterm-256color", BENCH_REPORT=str(report))
    process = subprocess.Popen(
        [sys.executable, "-m", module], cwd=ROOT, env=env, stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True,
    )  # fmt: skip
    try:
        running = Console(master, process, report)
        running.until(b"worker-0000")
        running.watch(_SETTLE)
        yield running
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def answer(place: Place, folder: Path) -> list[float]:
    """Return how many ms keys take at 5,000 events a second of 1,000 workers on 200 queues."""
    with crowd(place, 1000, 200) as talk, console(place, folder) as watched:
        talk.rate(5000)
        watched.watch(_SETTLE)
        return watched.keys(20.0)


def burst(place: Place, folder: Path) -> dict[str, float]:
    """Let 500 workers tell of 20,000 events a second for ten seconds, some 50,000 tasks."""
    with crowd(place, 500, 200) as talk, console(place, folder, "benchmarks.watched") as watched:
        talk.rate(20_000)
        keys = watched.keys(_BURST)
        talk.rate(0)
        told = talk.rate(-1)
        watched.watch(_SETTLE)
        memory = watched.memory()
        report = watched.leave()
    shares = {"p50": percentile(keys, 0.5), "p95": percentile(keys, 0.95), "key": max(keys)}
    return {**report, **shares, "told": told, "memory": memory}


def cost(place: Place, folder: Path) -> tuple[float, float]:
    """Return percent of a core: with 20 idle workers on 10 queues, and with 1,000 events a second of theirs."""
    with crowd(place, 20, 10) as talk, console(place, folder) as watched:
        idle = watched.processor(10.0)
        talk.rate(1000)
        watched.watch(1.0)
        return idle, watched.processor(10.0)


def measure(place: Callable[[], Place], folder: Path, runs: int) -> list[list[str]]:
    """Return the best of some runs of each: other work on the machine only makes it slower."""
    keys = min((answer(place(), folder) for _ in range(runs)), key=lambda took: percentile(took, 0.95))
    worst = min((burst(place(), folder) for _ in range(runs)), key=lambda seen: seen["key"])
    idle, busy = (min(column) for column in zip(*(cost(place(), folder) for _ in range(runs)), strict=True))
    lost = worst["told"] - worst["read"] - worst["missed"]
    counts = (worst["told"], worst["missed"], lost)
    return [
        [
            "1,000 workers, 5,000 events/s: key to repaint",
            *(f"{percentile(keys, at):.0f} ms" for at in _AT),
        ],
        [
            "500 workers, 20,000 events/s for 10 s: key to repaint",
            *(f"{worst[at]:.0f} ms" for at in _KEYS),
        ],
        ["  longest pause of its event loop", "", "", f"{worst['late']:.0f} ms"],
        ["  events told / missed and counted / lost", *(f"{count:,.0f}" for count in counts)],
        ["  memory afterwards: 50,000 tasks", "", "", f"{worst['memory']:.0f} MB"],
        ["20 workers: processor when idle / at 1,000 events/s", "", f"{idle:.1f} %", f"{busy:.1f} %"],
    ]
