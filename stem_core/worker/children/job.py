"""A job inside the child process that runs it, and the thread that tells the worker how far it is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from stem_core.delivery import Delivery
from stem_core.envelope import Envelope
from stem_core.errors import TaskSignal
from stem_core.worker.active import Job
from stem_core.worker.children.messages import Progress

_PROGRESS_PAUSE: Final = 0.05


class ChildJob(Job):
    """A job that hears its worker over a socket.

    Args:
        delivery: As the worker told it.
        envelope: What it says.
        on_progress: Called with the job when it says how far it is.

    Attributes:
        loop: The event loop that its handler runs on, if it runs on one.
    """

    __slots__ = ("_on_progress", "_shown", "loop")

    def __init__(self, delivery: Delivery, envelope: Envelope, on_progress: Callable[[ChildJob], None]) -> None:
        super().__init__(delivery, envelope)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._on_progress = on_progress
        self._shown: tuple[float | None, str] = (None, "")

    def check(self) -> None:
        """Raise what the handler is to be told; pass on how far it says it is."""
        shown = self.fraction, self.note
        if shown != self._shown:
            self._shown = shown
            self._on_progress(self)
        super().check()

    def hear(self, stop: TaskSignal) -> None:
        """Tell the handler to stop, from another thread."""
        if self.loop is None:
            self.stop = stop
            return
        with suppress(RuntimeError):  # its loop has ended, and so has the handler
            self.loop.call_soon_threadsafe(self.tell, stop)


class ProgressTeller:
    """Tells the worker the latest progress, at most 20 times a second however often the task says it.

    Args:
        send: Says it.
    """

    def __init__(self, send: Callable[[Progress], None]) -> None:
        self._send = send
        self._news = threading.Event()
        self._job: ChildJob | None = None

    def start(self) -> None:
        """Start its thread."""
        threading.Thread(target=self._run, name="stem-progress", daemon=True).start()

    def tell(self, job: ChildJob) -> None:
        """Pass on how far this job is, soon."""
        self._job = job
        self._news.set()

    def _run(self) -> None:
        with suppress(OSError):  # the worker is gone; the listening thread sees to the end
            while True:
                self._news.wait()
                self._news.clear()
                job = self._job
                if job is not None:
                    self._send(Progress(job.delivery.id, job.fraction, job.note))
                time.sleep(_PROGRESS_PAUSE)
