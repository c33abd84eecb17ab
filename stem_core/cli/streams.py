"""The standard streams of a command: there whatever its caller closed, asked at, and given up once nobody listens."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

import click

from stem_core.errors import UsageError

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


def ask(question: str) -> None:
    """Ask whoever sits at the terminal whether to go on.

    Raises:
        UsageError: Nobody sits there.
        Abort: They say no.
    """
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", "say --yes, or look first with --dry-run")
    click.confirm(question, abort=True, err=True)
