"""The causes that dead letters share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from stem_tui.store import ClusterModel, LetterEntry
from stem_tui.store.causes import Cause
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Row, TableState, TableView
from stem_tui.views.letters import matching_letters, no_letters, unread_note
from stem_tui.views.tables import Layout, arrange, table_note

COLUMNS: Final = (
    Column("cause", "CAUSE", 34, flex=True),
    Column("task", "TASK", 18),
    Column("number", "N", 7, right=True),
    Column("history", "24h", 10, rank=2, sorts=False),
    Column("last", "LAST", 11),
    Column("first", "FIRST", 11, rank=4),
    Column("queue", "QUEUE", 10, rank=3),
    Column("reason", "REASON", 21, rank=5),
    Column("mark", "MARK", 4, rank=6),
)
_DAY: Final = 86_400.0
_BARS: Final = 10


class CauseGroup(NamedTuple):
    """A cause and the letters that share it, newest first."""

    cause: Cause
    entries: tuple[LetterEntry, ...]

    @property
    def queues(self) -> str:
        """The queue that they died in, or how many queues."""
        names = {entry.queue for entry in self.entries}
        return next(iter(names)) if len(names) == 1 else f"{len(names)} queues"

    @property
    def first(self) -> float:
        """When the first of them died."""
        return self.entries[-1].key.died_at

    @property
    def last(self) -> float:
        """When the last of them died."""
        return self.entries[0].key.died_at


_LAYOUT: Final[Layout[CauseGroup]] = Layout(
    columns=COLUMNS,
    name=lambda group: group.cause.title,
    fields={"cause": lambda group: group.cause.title},
    order={
        "cause": lambda group: group.cause.title,
        "task": lambda group: group.cause.task,
        "number": lambda group: len(group.entries),
        "last": lambda group: group.last,
        "first": lambda group: group.first,
        "queue": lambda group: group.queues,
        "reason": lambda group: group.cause.reason,
        "mark": lambda group: group.cause.mark,
    },
    trouble=lambda group: (-len(group.entries), -group.last),
    growing=frozenset({"cause", "task", "queue", "reason", "mark"}),
    natural="most",
)


def _groups_of(entries: Sequence[LetterEntry]) -> list[CauseGroup]:
    """Return letters by the cause that they share."""
    found: dict[str, list[LetterEntry]] = {}
    for entry in entries:
        found.setdefault(entry.cause.mark, []).append(entry)
    return [CauseGroup(group[0].cause, tuple(group)) for group in found.values()]


def _history(entries: Sequence[LetterEntry], wall: float) -> str:
    heights = [0] * _BARS
    for entry in entries:
        place = int((wall - entry.key.died_at) / _DAY * _BARS)
        if 0 <= place < _BARS:
            heights[-1 - place] += 1
    return figures.sparkline(heights, _BARS)


def _row(group: CauseGroup, wall: float, tone: str) -> Row:
    return Row(
        group.cause.mark,
        (
            Cell(group.cause.title),
            Cell(group.entries[0].task),
            Cell(figures.count(len(group.entries)), "strong"),
            Cell(_history(group.entries, wall)),
            Cell(figures.when(group.last, wall)),
            Cell(figures.when(group.first, wall), "muted"),
            Cell(group.queues),
            Cell(group.cause.reason, "warning" if group.cause.reason == "poison" else ""),
            Cell(group.cause.mark[:4], "muted"),
        ),
        tone,
    )


def causes_table(model: ClusterModel, now: float, state: TableState) -> TableView:
    """Return the causes of the letters that a filter leaves, the most frequent first."""
    book, wall = model.letters.book, model.wall(now)
    groups = _groups_of(matching_letters(model, state.filter))
    arranged = arrange(groups, _LAYOUT, state._replace(filter=""))
    tone = "" if model.link.is_live else "muted"
    rows = tuple(_row(group, wall, tone) for group in arranged)
    number = sum(len(group.entries) for group in groups)
    title = f"Causes {len(rows)} of {figures.count(number)} dead letters"
    return TableView(
        COLUMNS, rows, title, (*unread_note(book), *table_note(state, _LAYOUT)), no_letters(model, book, state)
    )
