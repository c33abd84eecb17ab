"""Starting worker processes for tests, and seeing to it that none outlives its test."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import apsw

from stem_core.stores.sqlite.address import parse_address

ROOT = Path(__file__).parents[2]


class Processes:
    """Worker processes on one namespace, with a common ledger of what they began and ended."""

    def __init__(self, url: str, namespace: str, directory: Path) -> None:
        self.url = url
        self.namespace = namespace
        self.ledger = directory / "ledger"
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, worker: str, skew: float = 0.0) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.worker.process", self.url, self.namespace, worker, str(self.ledger)]
        process = subprocess.Popen([*command, str(skew)], cwd=ROOT)
        self.started.append(process)
        return process

    def freeze(self, process: subprocess.Popen[bytes]) -> None:
        """Make it silent, until SIGCONT; but not while it writes to a file, which would be frozen with it."""
        process.send_signal(signal.SIGSTOP)
        while self.url.startswith("sqlite:") and self._is_locked():
            process.send_signal(signal.SIGCONT)
            time.sleep(0.01)
            process.send_signal(signal.SIGSTOP)

    def _is_locked(self) -> bool:
        connection = apsw.Connection(str(parse_address(self.url).path))
        connection.set_busy_timeout(500)  # others write too, and soon have
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except apsw.BusyError:
            return True
        else:
            return False
        finally:
            connection.close()

    def lines(self, what: str, worker: str = "") -> list[str]:
        """Return the ids of tasks that were noted as `start` or `end`, by one worker or all."""
        return [row[1] for row in self.rows(what) if worker in ("", row[2])]

    def rows(self, what: str) -> list[list[str]]:
        """Return what was noted, task id, worker id and epoch seconds of each `start` or `end`."""
        text = self.ledger.read_text() if self.ledger.exists() else ""
        return [row for row in (line.split() for line in text.splitlines()) if row[0] == what]

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.wait(10)
