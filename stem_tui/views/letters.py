"""Dead letters: one by one, or by the causes that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from stem_core.text import visible
from stem_tui.store import ClusterModel, LetterBook, LetterEntry
from stem_tui.store.causes import Cause
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Line, Row, TableState, TableView, section
from stem_tui.views.tables import Layout, arrange, matching, nothing_matches, table_note, titled
from stem_tui.views.task import task_detail, times_over

COLUMNS: Final = (
    Column("id", "ID", 8),
    Column("died", "DIED", 11),
    Column("task", "TASK", 18),
    Column("try", "TRY", 3, right=True, rank=2),
    Column("error", "ERROR", 24, flex=True),
    Column("queue", "QUEUE", 10, rank=3),
    Column("args", "ARGS", 30, rank=4),
    Column("reason", "REASON", 21, rank=5),
)
CAUSE_COLUMNS: Final = (
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
MAX_ROWS: Final = 1_000
"""Rows of the list: nobody reads more, and making them takes time that the keys need."""
_DAY: Final = 86_400.0
_BARS: Final = 10

_FIELDS: Final = {
    "id": lambda entry: entry.key.id,
    "task": lambda entry: entry.task,
    "queue": lambda entry: entry.queue,
    "reason": lambda entry: entry.reason,
    "error": lambda entry: entry.error,
    "args": lambda entry: entry.args,
    "cause": lambda entry: entry.cause.mark,
    "is": lambda entry: f"{entry.reason} {'trouble' if not entry.readable or entry.reason == 'poison' else ''}",
}
_LAYOUT: Final[Layout[LetterEntry]] = Layout(
    columns=COLUMNS,
    name=lambda entry: entry.task,
    fields=_FIELDS,
    order={
        "id": lambda entry: entry.key.id,
        "died": lambda entry: entry.key.died_at,
        "task": lambda entry: entry.task,
        "try": lambda entry: entry.attempt,
        "error": lambda entry: entry.error,
        "queue": lambda entry: entry.queue,
        "args": lambda entry: entry.args,
        "reason": lambda entry: entry.reason,
    },
    trouble=lambda entry: -entry.key.died_at,
    growing=frozenset({"id", "task", "error", "queue", "args", "reason"}),
    natural="newest",
)


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


_CAUSE_LAYOUT: Final[Layout[CauseGroup]] = Layout(
    columns=CAUSE_COLUMNS,
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


def matching_letters(model: ClusterModel, text: str) -> list[LetterEntry]:
    """Return the letters that were read and that a filter leaves, newest first."""
    book = model.letters.book
    if book is None:
        return []
    return matching(book.entries, text, _FIELDS) if text.strip() else list(book.entries)


def groups_of(entries: Sequence[LetterEntry]) -> list[CauseGroup]:
    """Return letters by the cause that they share."""
    found: dict[str, list[LetterEntry]] = {}
    for entry in entries:
        found.setdefault(entry.cause.mark, []).append(entry)
    return [CauseGroup(group[0].cause, tuple(group)) for group in found.values()]


def _row(entry: LetterEntry, wall: float, tone: str) -> Row:
    return Row(
        entry.key.text,
        (
            Cell(visible(figures.short_id(entry.key.id)), "muted"),
            Cell(figures.when(entry.key.died_at, wall), "muted"),
            Cell(entry.task),
            Cell(str(entry.attempt + 1)),
            Cell(entry.error or entry.reason),
            Cell(entry.queue),
            Cell(entry.args, "muted"),
            Cell(entry.reason, "warning" if entry.reason == "poison" else ""),
        ),
        tone,
    )


def _history(entries: Sequence[LetterEntry], wall: float) -> str:
    heights = [0] * _BARS
    for entry in entries:
        place = int((wall - entry.key.died_at) / _DAY * _BARS)
        if 0 <= place < _BARS:
            heights[-1 - place] += 1
    return figures.sparkline(heights, _BARS)


def _cause_row(group: CauseGroup, wall: float, tone: str) -> Row:
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


def _empty(model: ClusterModel, book: LetterBook | None, state: TableState) -> tuple[Line, ...]:
    if book is not None and book.entries:
        names = sorted({entry.task for entry in book.entries})
        return nothing_matches(state.filter, names)
    if "letters" in model.problems:
        return ((Cell(f"dead letters cannot be read: {model.problems['letters']}", "error"),),)
    if book is None:
        return ((Cell("reading…" if model.link.is_live else "no broker: dead letters are not known", "muted"),),)
    where = f" in {', '.join(visible(queue, 60) for queue in book.queues)}" if book.queues else ""
    return ((Cell(f"no dead letters{where}: what failed for good was replayed or deleted, or nothing did", "muted"),),)


def _unread(book: LetterBook | None) -> Line:
    if book is None or not book.unread:
        return ()
    return (Cell(f"newest {figures.count(len(book.entries))} of {figures.count(book.total)} read  ", "warning"),)


def letters_table(model: ClusterModel, now: float, state: TableState) -> TableView:
    """Return the dead letters that the user wants to see, newest first unless another order is chosen."""
    book, wall = model.letters.book, model.wall(now)
    entries = arrange(book.entries if book is not None else (), _LAYOUT, state)
    tone = "" if model.link.is_live else "muted"
    rows = tuple(_row(entry, wall, tone) for entry in entries[:MAX_ROWS])
    title = titled("Dead letters", len(entries), len(book.entries) if book is not None else 0, state)
    cut = (Cell(f"first {MAX_ROWS:,} shown  ", "warning"),) if len(entries) > MAX_ROWS else ()
    note = (*_unread(book), *cut, *table_note(state, _LAYOUT))
    return TableView(COLUMNS, rows, title, note, _empty(model, book, state))


def causes_table(model: ClusterModel, now: float, state: TableState) -> TableView:
    """Return the causes of the letters that a filter leaves, the most frequent first."""
    book, wall = model.letters.book, model.wall(now)
    groups = groups_of(matching_letters(model, state.filter))
    arranged = arrange(groups, _CAUSE_LAYOUT, state._replace(filter=""))
    tone = "" if model.link.is_live else "muted"
    rows = tuple(_cause_row(group, wall, tone) for group in arranged)
    number = sum(len(group.entries) for group in groups)
    title = f"Causes {len(rows)} of {figures.count(number)} dead letters"
    return TableView(
        CAUSE_COLUMNS, rows, title, (*_unread(book), *table_note(state, _CAUSE_LAYOUT)), _empty(model, book, state)
    )


def letter_detail(model: ClusterModel, entry: LetterEntry, now: float, width: int) -> list[Line]:
    """Return all that is known of a dead letter: why and when it died, then all of its task."""
    wall, book = model.wall(now), model.letters.book
    there = book is None or entry.key.text in book.by_key
    alike = len(book.by_cause.get(entry.cause.mark, ())) if book is not None else 0
    died = f"{figures.when(entry.key.died_at, wall)}Z, {figures.seconds(wall - entry.key.died_at)} ago"
    lines: list[Line] = [
        section(f"dead letter · {entry.task}", width),
        (
            Cell("  "),
            Cell(entry.reason or "dead", "error"),
            Cell(f"   queue {entry.queue}   died {died}"),
        ),
        (
            Cell(f"  handed out {times_over(entry.deliveries)}, last as try {entry.attempt + 1}", "muted"),
            Cell(f"   cause {entry.cause.mark[:4]}, {figures.count(alike)} alike", "muted"),
        ),
    ]
    if model.watched != entry.key.id or model.detail is None or not model.detail.error:
        lines.append((Cell(f"  {entry.error}", "error"),))
    if not there:
        lines.append((Cell("  it is no dead letter any more: it was replayed or deleted", "warning"),))
    if not entry.readable:
        return [*lines, (Cell(f"  its {entry.size:,} bytes are no envelope; a replay would die again", "warning"),)]
    return [*lines, *task_detail(model, entry.key.id, now, width)]
