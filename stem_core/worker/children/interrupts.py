"""Signals in a child process.

Those that reach all processes of a service at once (its stop, an interrupt from the keyboard) are the worker's to
understand, not the child's. Handlers do nothing, instead of ignoring the signals, since programs that a task starts
would inherit that.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stem_core.worker.forked import OWN_SIGNALS
from stem_core.worker.plan import Plan
from stem_core.worker.running import soft_limit


def leave_signals_to_worker() -> None:
    """Do nothing when the process is told to stop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    OWN_SIGNALS.take(signal.SIGINT, signal.SIGTERM)


def on_terminate(interrupt: Callable[[], None]) -> None:
    """Call this in the main thread, between two instructions of whatever runs there, upon SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: interrupt())


@contextmanager
def soft_alarm(plan: Plan) -> Iterator[None]:
    """Raise `SoftTimeLimitExceeded` inside the block once its soft time limit has passed, also in a blocking call."""
    if plan.soft is None:
        yield
        return
    armed = True

    def ring(*_: object) -> None:
        if armed:
            raise soft_limit(plan)

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, plan.soft)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
