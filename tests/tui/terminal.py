"""A real program in a real pseudo-terminal, and the screen that a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

# pyte does not know the keyboard protocol and mode queries, and would print their last letters.
_QUERIES = re.compile(rb"\x1b\[[<>=?][0-9;]*\$?[a-zA-Z]")
_UNFINISHED = re.compile(rb"\x1b(\[[<>=?0-9;$]*)?$")
_KNOWN = re.compile(rb"\x1b\[\?[0-9;]*[hl]")


def _without_queries(data: bytes) -> bytes:
    return _QUERIES.sub(lambda match: match[0] if _KNOWN.fullmatch(match[0]) else b"", data)


class Terminal:
    """A pseudo-terminal of a given size with a program in it."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        columns: int = 100,
        rows: int = 30,
        folder: Path | None = None,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.raw = bytearray()
        self._pending = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._before = termios.tcgetattr(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, **env, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": str(rows)},
            cwd=folder,
            start_new_session=True,
        )
        self._open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._open:
            ready, _, _ = select.select([self._master], [], [], 0.05)
            if not ready:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            with self._lock:
                self.raw += data
                # A query may be cut in two by the read: keep its beginning for the next one.
                data = self._pending + data
                unfinished = _UNFINISHED.search(data)
                cut = unfinished.start() if unfinished else len(data)
                self._pending = data[cut:]
                self._stream.feed(_without_queries(data[:cut]))

    def text(self) -> str:
        """Return what is on the screen now."""
        with self._lock:
            return "\n".join(self._screen.display)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def wait_for(self, condition: str | Callable[[str], bool], timeout: float = 30.0) -> str:
        """Wait until the screen shows it; the screen is part of the failure."""
        deadline = time.monotonic() + timeout
        while True:
            shown = self.text()
            if condition in shown if isinstance(condition, str) else condition(shown):
                return shown
            if time.monotonic() > deadline:
                raise AssertionError(f"not seen within {timeout} s: {condition!r}\n{shown}")
            time.sleep(0.02)

    def wait(self, timeout: float = 20.0) -> int:
        """Wait until the program has ended."""
        return self.process.wait(timeout)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost connection does."""
        self._open = False
        self._reader.join()
        os.close(self._master)

    def is_restored(self) -> bool:
        """Whether the line discipline is as it was before the program ran."""
        return termios.tcgetattr(self._slave)[3] == self._before[3]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._open:
            self.hang_up()
        os.close(self._slave)
