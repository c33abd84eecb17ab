"""What a task's forked children must not have in common with the worker: its signals, and its work.

An event loop hears of signals through a socket, which a forked child shares: a SIGTERM for the child, such as each
`multiprocessing.Pool` sends to its own at the end, would drain the worker, and would not end the child.

A forked child that comes to the end of the handler, by returning or by `sys.exit`, would go on as a second worker on
the first one's connections: what it says would be taken for the outcome of the task, or of the next one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from typing import Final


class OwnSignals:
    """Signals that this process understands in a way of its own; in its forked children they do what they always do."""

    def __init__(self) -> None:
        self._numbers: set[signal.Signals] = set()
        self._masks = threading.local()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before, after_in_parent=self._after_in_parent, after_in_child=self._after_in_child
            )

    def take(self, *numbers: signal.Signals) -> None:
        """These have handlers from now on."""
        self._numbers.update(numbers)

    def give_back(self, *numbers: signal.Signals) -> None:
        """These have none any more."""
        self._numbers.difference_update(numbers)

    def _before(self) -> None:
        # What comes for the child before it has other handlers waits until it has.
        self._masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)

    def _after_in_parent(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.before)

    def _after_in_child(self) -> None:
        if self._numbers:
            signal.set_wakeup_fd(-1)
        for number in self._numbers:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
        self._numbers.clear()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.before)


OWN_SIGNALS: Final = OwnSignals()


def end_if_forked(pid: int, failure: BaseException | None = None) -> None:
    """End this process, as any program ends, if it is a child that a handler has forked; the handler was all it had.

    Args:
        pid: The process that called the handler.
        failure: What came out of the handler, None if it returned.
    """
    if os.getpid() == pid:
        return
    code: object = 0
    if isinstance(failure, SystemExit):
        code = failure.code or 0
    elif failure is not None:
        code = "".join(traceback.format_exception(failure))
    with suppress(Exception):
        if not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code & 0xFF if isinstance(code, int) else 1)
