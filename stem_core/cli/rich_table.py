"""Tables on a person's terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_COLOURS: Final = {
    **dict.fromkeys(("ok", "ready", "running", "succeeded", "stopped"), "green"),
    **dict.fromkeys(("warn", "paused", "draining", "starting", "retried", "delayed", "killed"), "yellow"),
    **dict.fromkeys(("fail", "failed", "silent", "down", "error", "unreadable"), "red"),
}
"""States by their word; a cell that holds more is left as it is."""
_OF_STATES: Final = ("STATE", "STATUS", "NOW", "HEALTH", "")
_NOTHING: Final = "-"
_SENTENCE: Final = 24
"""Cells with blanks that are longer are sentences, which may be folded; all else stays in one piece."""
_NARROWEST: Final = 12
_GAP: Final = 2
_INDENT: Final = 4


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    """Print a table without lines.

    An id in pieces cannot be copied, so only sentences are folded. If that is not enough, those of the last column
    stand below their rows, and what is still too wide is left to the terminal.

    Args:
        heads: Column titles.
        rows: Cells that are harmless already; nothing in them is read as markup.
        right: For each column, whether it is aligned to the right.
    """
    console = Console(highlight=False, emoji=False)
    widths = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    folded = [
        width > _SENTENCE and any(" " in row[number] for row in rows) for number, width in enumerate(widths)
    ]  # fmt: skip
    least = [_NARROWEST if folds else width for folds, width in zip(folded, widths, strict=True)]
    if folded[-1]:
        least[-1] = _SENTENCE
    needed = sum(least) + _GAP * len(least)
    if needed - _GAP <= console.width or not folded[-1]:
        console.width = max(console.width, needed)  # lines that are longer are the terminal's to break
        console.print(_table(heads, rows, right, folded, least))
        return
    console.print(_line(heads, ["bold"] * len(heads), widths[:-1], right), soft_wrap=True)
    for row in rows:
        styles = [_colour(head, cell) for head, cell in zip(heads, row, strict=True)]
        console.print(_line(row, styles, widths[:-1], right), soft_wrap=True)
        if row[-1]:
            console.print(Padding(Text(row[-1]), (0, 0, 0, _INDENT)))


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[bool],
    folded: Sequence[bool],
    least: Sequence[int],
) -> Table:
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for head, numbers, folds, width in zip(heads, right, folded, least, strict=True):
        table.add_column(
            Text(head),
            justify="right" if numbers else "left",
            no_wrap=not folds,
            min_width=width if folds else None,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell, style=_colour(head, cell)) for head, cell in zip(heads, row, strict=True)))
    return table


def _colour(head: str, cell: str) -> str:
    if cell == _NOTHING:
        return "dim"
    return _COLOURS.get(cell, "") if head in _OF_STATES else ""  # a task may well be named "fail"


def _line(cells: Sequence[str], styles: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> Text:
    line = Text()
    for cell, style, width, numbers in zip(cells, styles, widths, right, strict=False):
        blanks = " " * (width - cell_len(cell))
        coloured = (cell, style)
        line.append_tokens([(blanks, ""), coloured] if numbers else [coloured, (blanks, "")]).append(" " * _GAP)
    line.rstrip()
    return line
