"""Where a child process's output goes: to the worker's stderr, never to its stdout and never into the protocol.

While a child starts, its stderr comes to the worker first, so that an error can show the last line. Once it is ready it
writes to the worker's stderr itself, so that a task that prints without end costs the worker nothing.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Final

from stem_core.text import visible

STDERR: Final = 2
_TAIL: Final = 4_000


def stderr_of_worker() -> int:
    """Return what a child gets as its output: our stderr, or nothing if that is closed."""
    try:
        os.fstat(STDERR)
    except OSError:
        return asyncio.subprocess.DEVNULL
    return STDERR


class StartOutput(asyncio.Protocol):
    """What a child writes to stderr while it starts: passed on, and its end kept.

    Attributes:
        write_end: The child's end of the pipe; to be closed by whoever started it.
    """

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        self._transport: asyncio.BaseTransport | None = None
        self._tail = b""

    async def read(self) -> None:
        """Begin to pass it on."""
        pipe = os.fdopen(self._read_end, "rb", 0)
        self._read_end = -1
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: self, pipe)

    def data_received(self, data: bytes) -> None:
        """Pass some of it on."""
        self._tail = (self._tail + data)[-_TAIL:]
        with suppress(OSError):
            os.write(STDERR, data)

    def last_line(self) -> str:
        """Return the last line so far, "" if there is none."""
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return visible(lines[-1], 300) if lines else ""

    def close(self) -> None:
        """Stop reading."""
        if self._transport is not None:
            self._transport.close()
        elif self._read_end >= 0:
            os.close(self._read_end)
            self._read_end = -1
