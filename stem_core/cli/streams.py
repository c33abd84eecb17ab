"""The standard streams of a command: there whatever its caller closed, and given up once nobody takes the output."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

_NUMBERS: Final = (0, 1, 2)


def open_missing() -> None:
    """Open what the caller closed on nothing, so that reading finds an end and writing does not fail.

    A number that is left free would go to the next file or connection, into which whoever prints would then write.
    """
    for number in _NUMBERS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for the whole life


def give_up_output() -> None:
    """Let what is still to be written go nowhere; else the interpreter complains about it when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_asked() -> bool:
    """Return whether a person sits at the input, who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()
