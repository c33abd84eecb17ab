"""Rows that are made when they are looked at: of a thousand workers a screen shows ten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, overload

from stem_tui.views.cells import Row

T = TypeVar("T")


class LazyRows(Sequence[Row], Generic[T]):
    """The rows of a table, each made once, when it comes to sight.

    Args:
        items: What they show, filtered and sorted.
        key: Returns an item's key, by which the cursor follows it.
        make: Makes an item's row.
    """

    __slots__ = ("_items", "_key", "_made", "_make")

    def __init__(self, items: Sequence[T], key: Callable[[T], str], make: Callable[[T], Row]) -> None:
        self._items = items
        self._key = key
        self._make = make
        self._made: dict[int, Row] = {}

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        """Return a row, or some."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        row = self._made.get(place)
        if row is None:
            row = self._made[place] = self._make(self._items[place])
        return row

    @property
    def keys(self) -> list[str]:
        """The keys of all rows; none is made for that."""
        return [self._key(item) for item in self._items]

    def settle(self) -> None:
        """Make all that are left: what they show may change from now on, and they shall not."""
        for place in range(len(self)):
            self[place]


def keys_of(rows: Sequence[Row]) -> Sequence[str]:
    """Return the keys of rows, and make none for that."""
    return rows.keys if isinstance(rows, LazyRows) else [row.key for row in rows]
