"""Files for the tests of the SQLite store, other processes on them, and what must hold in them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import apsw

ROOT = Path(__file__).parents[2]


class Others:
    """Processes on one file; none outlives its test.

    Args:
        url: The file.
        namespace: What of it they use.
        before: Words that the command is put behind, for a world of their own.
    """

    def __init__(self, url: str, namespace: str, before: Sequence[str] = ()) -> None:
        self._before = before
        self._url = url
        self._namespace = namespace
        self._started: list[subprocess.Popen[str]] = []

    async def start(self, role: str) -> Other:
        command = [*self._before, sys.executable, "-m", "tests.stores.sqlite_process", role, self._url, self._namespace]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._started.append(process)
        other = Other(process)
        other.first_words = await other.said()
        return other

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


class Other:
    """One process, which says a line and listens to lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.first_words: list[str] = []

    async def said(self) -> list[str]:
        assert self.process.stdout is not None
        line = await asyncio.to_thread(self.process.stdout.readline)
        assert line, "the process ended without a word"
        return line.split()

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    async def kill(self) -> None:
        self.process.kill()
        await asyncio.to_thread(self.process.wait)


def audit(path: Path) -> None:
    """Check that a file is whole: its pages, its figures, and each job in one place."""
    connection = apsw.Connection(str(path))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counted = {
            "ready": "SELECT count(*) FROM ready WHERE queue = ?",
            "delayed": "SELECT count(*) FROM delayed WHERE queue = ?",
            "inflight": "SELECT count(*) FROM held WHERE queue = ?",
            "dead": "SELECT count(*) FROM dead WHERE queue = ?",
        }
        for (queue,) in connection.execute("SELECT id FROM queues").fetchall():
            for name, count in counted.items():
                kept = connection.execute(f"SELECT {name} FROM queues WHERE id = ?", (queue,)).get
                assert (name, kept) == (name, connection.execute(count, (queue,)).get)
        placed = "SELECT place FROM ready UNION ALL SELECT place FROM delayed UNION ALL SELECT place FROM held"
        places = [place for (place,) in connection.execute(placed).fetchall()]
        assert sorted(places) == [place for (place,) in connection.execute("SELECT place FROM jobs ORDER BY 1")]
        for topic, entries in connection.execute("SELECT id, entries FROM topics").fetchall():
            assert connection.execute("SELECT count(*) FROM entries WHERE topic = ?", (topic,)).get == entries
    finally:
        connection.close()
