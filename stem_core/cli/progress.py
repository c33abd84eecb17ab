"""Long work on a person's terminal: a bar, and a word on how far it came if it is interrupted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from stem_core.cli.output import write_note

_WORTH_A_BAR: Final = 200
"""Work on fewer things is over before anyone could read a bar."""


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function that takes how much is done and how much there is.

    It shows this on stderr: as a bar if that is a terminal, and in a line if the work is interrupted.

    Args:
        what: What is being done, for example `replaying`.
        quiet: Show no bar.
    """
    so_far = (0, 0)

    def on_done(done: int, total: int) -> None:
        nonlocal so_far
        so_far = done, total
        show(done, total)

    try:
        with _bar(what, quiet=quiet) as show:
            yield on_done
    except (asyncio.CancelledError, KeyboardInterrupt):
        done, total = so_far
        write_note(f"stem: interrupted while {what}, after {done:,} of {total:,}" if total else "stem: interrupted")
        raise


@contextmanager
def _bar(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - only long work at a terminal needs Rich
    from rich.progress import Progress  # noqa: PLC0415 - as above

    bar = Progress(console=Console(stderr=True), transient=True)
    shown = bar.add_task(what)

    with ExitStack() as stack:

        def show(done: int, total: int) -> None:
            if total < _WORTH_A_BAR:
                return
            if not bar.live.is_started:
                stack.enter_context(bar)
            bar.update(shown, completed=done, total=total)

        yield show
