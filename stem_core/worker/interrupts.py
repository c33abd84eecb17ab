"""The process's signals, while a worker runs in its main thread."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from stem_core.commands import ShutdownMode
from stem_core.worker.forked import OWN_SIGNALS
from stem_core.worker.settings import WorkerLifecycleConfig

if TYPE_CHECKING:
    from stem_core.worker.worker import Worker

_MODES: Final = {signal.SIGTERM: ShutdownMode.WARM, signal.SIGQUIT: ShutdownMode.HARD}


@contextmanager
def handled(worker: Worker, lifecycle: WorkerLifecycleConfig) -> Iterator[None]:
    """Let SIGTERM end the worker warm, SIGINT soft (twice: hard) and SIGQUIT hard; put nothing in place elsewhere."""
    if not lifecycle.install_signal_handlers or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    for number, mode in _MODES.items():
        loop.add_signal_handler(number, worker.stop, mode, None, number.name)
    loop.add_signal_handler(signal.SIGINT, worker.interrupted)
    OWN_SIGNALS.take(*_MODES, signal.SIGINT)
    try:
        yield
    finally:
        OWN_SIGNALS.give_back(*_MODES, signal.SIGINT)
        for number in (*_MODES, signal.SIGINT):
            loop.remove_signal_handler(number)
