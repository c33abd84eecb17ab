"""Filtering and sorting rows, the same way in every table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from stem_core.text import visible
from stem_tui.views.cells import Cell, Column, Line, TableState, TableView

T = TypeVar("T")


class Layout(NamedTuple, Generic[T]):
    """How a table reads its items.

    Args:
        columns: Its columns.
        name: What an item is called; plain filters look here, too.
        fields: By name, the texts that `field:value` looks at. Plain filters look at all but `is`.
        order: By column key, what to sort by; None goes last either way.
        trouble: What to sort by when nothing is chosen; the lowest first.
        growing: Columns whose natural direction is upward; all others begin with the greatest.
        natural: What the order is called that holds when nothing is chosen.
    """

    columns: tuple[Column, ...]
    name: Callable[[T], str]
    fields: Mapping[str, Callable[[T], str]]
    order: Mapping[str, Callable[[T], Any]]
    trouble: Callable[[T], Any]
    growing: frozenset[str]
    natural: str = "trouble"


def _fuzzy(needle: str, text: str) -> bool:
    letters = iter(text)
    return all(letter in letters for letter in needle)


def _matcher(term: str, fields: Mapping[str, Callable[[T], str]]) -> Callable[[T], bool]:
    if term.startswith("!") and len(term) > 1:
        inner = _matcher(term[1:], fields)
        return lambda item: not inner(item)
    field, colon, value = term.partition(":")
    if colon and field in fields:
        read = fields[field]
        return lambda item: value in read(item).lower()
    texts = [read for name, read in fields.items() if name != "is"]
    if term.startswith("~") and len(term) > 1:
        return lambda item: any(_fuzzy(term[1:], read(item).lower()) for read in texts)
    return lambda item: any(term in read(item).lower() for read in texts)


def matching(items: Iterable[T], text: str, fields: Mapping[str, Callable[[T], str]]) -> list[T]:
    """Return the items that match all words of a filter: `text`, `!text`, `~fuzzy`, `field:value`."""
    matchers = [_matcher(term, fields) for term in text.lower().split()]
    return [item for item in items if all(match(item) for match in matchers)]


def arrange(items: Iterable[T], layout: Layout[T], state: TableState) -> list[T]:
    """Return the items that the user wants to see, in the order wanted."""
    kept = matching(items, state.filter, layout.fields) if state.filter.strip() else list(items)
    kept.sort(key=layout.trouble)
    read = layout.order.get(state.sort)
    if read is None:
        return kept[::-1] if state.reverse and not state.sort else kept
    known = [item for item in kept if read(item) is not None]
    unknown = [item for item in kept if read(item) is None]
    known.sort(key=read, reverse=(state.sort not in layout.growing) != state.reverse)
    return known + unknown


def table_note(state: TableState, layout: Layout[T]) -> Line:
    """Say how a table is sorted and filtered."""
    titles = {column.key: column.title for column in layout.columns}
    if state.sort in layout.order:
        down = (state.sort not in layout.growing) != state.reverse
        order = f"{titles.get(state.sort, state.sort)}{'↓' if down else '↑'}"
    else:
        order = layout.natural
    wanted = f"filter /{visible(state.filter, 40)}/"
    shown = Cell(wanted, "accent") if state.filter else Cell("filter \N{EN DASH}", "muted")
    return (Cell(f"sort {order}  ", "muted"), shown)


def nothing_matches(text: str, names: Sequence[str]) -> tuple[Line, ...]:
    """Say that a filter leaves nothing, and what may have been meant."""
    near = get_close_matches(text.strip("!~ "), names, n=1, cutoff=0.4)
    meant = (Cell(f"   did you mean {near[0]}?", "accent"),) if near else ()
    return ((Cell(f"nothing matches  /{visible(text, 40)}/"), *meant, Cell("   [esc] clear", "muted")),)


def titled(name: str, shown: int, total: int, state: TableState) -> str:
    """Return a table's title: `Queues 8`, or `Queues 2 of 8` when filtered."""
    return f"{name} {shown:,} of {total:,}" if state.filter.strip() else f"{name} {total:,}"


def without(view: TableView, left_out: Collection[str]) -> TableView:
    """Return a table without some columns."""
    kept = [place for place, column in enumerate(view.columns) if column.key not in left_out]
    rows = tuple(row._replace(cells=tuple(row.cells[place] for place in kept)) for row in view.rows)
    return view._replace(columns=_chosen(view.columns, tuple(kept)), rows=rows)


@cache
def _chosen(columns: tuple[Column, ...], kept: tuple[int, ...]) -> tuple[Column, ...]:
    """Return these columns, the same object each time: a table is laid out anew when its columns are others."""
    return tuple(columns[place] for place in kept)
