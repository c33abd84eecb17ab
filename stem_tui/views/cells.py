"""What views hand to widgets: text with tones, rows with keys, columns with widths.

A tone is a word of the theme, not a colour: "" (plain), `muted`, `info`, `success`, `warning`, `error`, `accent`,
`strong`, `prod`. All text in cells is harmless already (`stem_core.text.visible`) and is never parsed as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Cell(NamedTuple):
    """A piece of text and how it is meant."""

    text: str
    tone: str = ""


Line: TypeAlias = tuple[Cell, ...]


class Column(NamedTuple):
    """A column of a table.

    Args:
        key: Names it, for sorting.
        title: Heading.
        width: Cells wide; for the flexible column the least width.
        right: Whether its text stands at the right.
        rank: Columns with the highest rank go first when the screen is narrow; rank 0 never goes.
        flex: Whether it takes the width that is left.
        sorts: Whether rows can be put in its order.
    """

    key: str
    title: str
    width: int
    right: bool = False
    rank: int = 0
    flex: bool = False
    sorts: bool = True


class Row(NamedTuple):
    """A row: its key, by which the cursor follows it, one cell per column, and a tone for all of it."""

    key: str
    cells: tuple[Cell, ...]
    tone: str = ""


class TableView(NamedTuple):
    """A table, ready to be drawn.

    Args:
        columns: All columns, most important first; the widget drops by rank.
        rows: Filtered and sorted; where there may be very many, each is made when it is looked at (`LazyRows`).
        title: For the rule above it, such as `Queues 8`.
        note: At the right of the rule, such as `sort BACKLOG↓`.
        empty: Lines to show in place of rows.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    title: str = ""
    note: Line = ()
    empty: tuple[Line, ...] = ()


def section(title: str, width: int) -> Line:
    """Return the rule that heads a part of a longer text."""
    return (Cell(f"── {title} {'─' * max(2, width - len(title) - 4)}", "muted"),)


class TableState(NamedTuple):
    """What the user asked of a table: its filter, sort column and direction, and the keys of the rows marked."""

    filter: str = ""
    sort: str = ""
    reverse: bool = False
    marked: frozenset[str] = frozenset()
