"""A bar for long work, on a person's terminal and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_WORTH_A_BAR: Final = 200
"""Work on fewer things is over before anyone could read a bar."""


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function that takes how much is done and how much there is, and shows it on stderr.

    Args:
        what: What is being done, for example `replaying`.
        quiet: Show nothing.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - only long work at a terminal needs Rich
    from rich.progress import Progress  # noqa: PLC0415 - as above

    with Progress(console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task(what, visible=False)

        def on_done(done: int, total: int) -> None:
            bar.update(shown, completed=done, total=total, visible=total >= _WORTH_A_BAR)

        yield on_done
