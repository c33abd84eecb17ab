"""Telling systemd how a worker is, for units with `Type=notify` and `WatchdogSec=`; sd_notify(3) says what it takes."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Final, Self

from stem_core.clock import SYSTEM_CLOCK
from stem_core.service import cancel, spawn
from stem_core.snapshot import WorkerSnapshot

_log: Final = logging.getLogger("stem.systemd")
_INTERVAL: Final = 2.0
_PATIENCE: Final = 1.0


class ServiceManager:
    """Who started this process and wants to be told of it: systemd, or nobody.

    Args:
        address: Its datagram socket, `@…` for an abstract one; "" if nobody wants to be told.
        watchdog: Seconds of silence after which it takes the process for dead; None for any.
    """

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        self._address = address
        self._heard = True
        self._interval = _INTERVAL if watchdog is None else min(_INTERVAL, watchdog / 3)

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str] = os.environ) -> Self:
        """Read its variables, and remove them: no child process shall speak in this one's name."""
        address, pid = environ.pop("NOTIFY_SOCKET", ""), environ.pop("WATCHDOG_PID", "")
        microseconds = environ.pop("WATCHDOG_USEC", "")
        meant = microseconds.isdecimal() and pid in ("", str(os.getpid()))
        return cls(address, int(microseconds) / 1e6 if meant else None)

    @asynccontextmanager
    async def told(self, status: Callable[[], str]) -> AsyncIterator[None]:
        """Tell that the process is ready; inside the block how it is, and that it lives; and then that it ends.

        All is told from the event loop: if that stands still, so does the watchdog's food.

        Args:
            status: How it is, in one line for people.
        """
        if not self._address:
            yield
            return
        self._tell(f"READY=1\nSTATUS={status()}")
        telling = spawn(self._keep_telling(status), "systemd")
        try:
            yield
        finally:
            await cancel(telling)
            self._tell("STOPPING=1")

    async def _keep_telling(self, status: Callable[[], str]) -> None:
        while True:
            self._tell(f"WATCHDOG=1\nSTATUS={status()}")
            await SYSTEM_CLOCK.sleep(self._interval)

    def _tell(self, text: str) -> None:
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_PATIENCE)
                sender.sendto(text.encode(), address)
            self._heard = True
        except OSError as error:
            if self._heard:
                _log.warning("systemd cannot be told how the worker is: %s", error)
            self._heard = False


def worker_status(snapshot: WorkerSnapshot) -> str:
    """Return how a worker is, in one line."""
    return (
        f"{snapshot.state}, {snapshot.active} of {snapshot.concurrency} slots busy, "
        f"{snapshot.succeeded} succeeded, {snapshot.failed} failed"
    )
