"""Which columns of a table fit, and how wide each is. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stem_tui.views.cells import Column

MARKER = 1
"""Cells at the left that mark the cursor."""
GAP = 1


class Place(NamedTuple):
    """A column that is shown: where it stands among all columns, and its width in cells."""

    at: int
    column: Column
    width: int


def lay_out(columns: Sequence[Column], width: int) -> tuple[Place, ...]:
    """Choose the columns that fit, dropping those of the highest rank first.

    The flexible column takes what is left. Columns of rank 0 stay, and are cut at the edge if they must be.
    """
    kept = list(range(len(columns)))
    while _taken([columns[index] for index in kept]) > width:
        droppable = [index for index in kept if columns[index].rank > 0]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda index: (columns[index].rank, index)))
    spare = width - _taken([columns[index] for index in kept])
    places = []
    for index in kept:
        column = columns[index]
        extra = spare if column.flex else 0
        spare -= extra
        places.append(Place(index, column, max(1, column.width + extra)))
    return tuple(places)


def _taken(columns: Sequence[Column]) -> int:
    return MARKER + sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)
