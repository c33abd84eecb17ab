"""What a child process knows of being one, and how it sees to it that it does not outlive its worker."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Final

_SET_PARENT_DEATH_SIGNAL: Final = 1
_marks: Final[set[str]] = set()


def become_child() -> None:
    """Note that this process is a child, and have it killed when its worker dies.

    The end of its socket tells it that as well, but only a thread that gets the interpreter's lock can hear it; the
    kernel's signal (Linux alone has it) also ends a child that is stuck in C code.
    """
    _marks.add("child")
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - workers import this module too, and do not need it

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def inside_child() -> bool:
    """Return whether this process is a child that runs tasks for a worker."""
    return bool(_marks)


def die_with_family() -> None:
    """End this process at once, and whatever its task has started."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
