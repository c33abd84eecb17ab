"""Nothing of SQLite's is open while the process forks.

SQLite keeps a process's locks on a file in its memory, and the system keeps them by process: a child would go by locks
that it does not have, and wait for ever for those that a thread held which it does not have either.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final
from weakref import WeakSet


class ForkGate:
    """Keeps one thread from working while the process forks.

    Args:
        rest: Closes what is open; called by the thread that forks.
    """

    def __init__(self, rest: Callable[[], None]) -> None:
        self._rest = rest
        self._lock = threading.Lock()
        _gates.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def shut(self) -> None:
        """Wait until the thread rests, and close what is open."""
        self._lock.acquire()
        self._rest()

    def open(self) -> None:
        """Let the thread go on."""
        self._lock.release()


_gates: Final[WeakSet[ForkGate]] = WeakSet()
_shut: Final[list[ForkGate]] = []
_forking: Final = threading.Lock()
"""Held by the thread that forks; another one that wants to waits for it."""


def _before() -> None:
    _forking.acquire()
    for gate in list(_gates):
        gate.shut()
        _shut.append(gate)


def _after_in_parent() -> None:
    while _shut:
        _shut.pop().open()
    _forking.release()


def _after_in_child() -> None:
    _gates.clear()  # the parent's; their threads did not come along
    _shut.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
