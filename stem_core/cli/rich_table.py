"""Tables on a person's terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_COLOURS: Final = {
    **dict.fromkeys(("ok", "ready", "running", "succeeded", "stopped"), "green"),
    **dict.fromkeys(("warn", "paused", "draining", "starting", "retried", "delayed", "killed"), "yellow"),
    **dict.fromkeys(("fail", "failed", "silent", "down", "error", "unreadable"), "red"),
    "-": "dim",
}
"""States by their word, wherever they stand; a cell that holds more is left as it is."""


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    """Print a table without lines.

    Args:
        heads: Column titles.
        rows: Cells that are harmless already; nothing in them is read as markup.
        right: For each column, whether it is aligned to the right.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for head, numbers in zip(heads, right, strict=True):
        # What does not fit goes on below: an id that is cut cannot be copied.
        table.add_column(Text(head), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    Console(highlight=False, emoji=False).print(table)
