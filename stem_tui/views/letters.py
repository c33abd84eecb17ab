"""Dead letters: the list of them, and one in full."""

from __future__ import annotations

from typing import Final

from stem_core.text import visible
from stem_tui.store import ClusterModel, LetterBook, LetterEntry
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
MAX_ROWS: Final = 1_000
"""Rows of the list: nobody reads more, and making them takes time that the keys need."""
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


def matching_letters(model: ClusterModel, text: str) -> list[LetterEntry]:
    """Return the letters that were read and that a filter leaves, newest first."""
    book = model.letters.book
    if book is None:
        return []
    return matching(book.entries, text, _FIELDS) if text.strip() else list(book.entries)


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


def no_letters(model: ClusterModel, book: LetterBook | None, state: TableState) -> tuple[Line, ...]:
    """Say why there is no row."""
    if book is not None and book.entries:
        names = sorted({entry.task for entry in book.entries})
        return nothing_matches(state.filter, names)
    if "letters" in model.problems:
        return ((Cell(f"dead letters cannot be read: {model.problems['letters']}", "error"),),)
    if book is None:
        return ((Cell("reading…" if model.link.is_live else "no broker: dead letters are not known", "muted"),),)
    where = f" in {', '.join(visible(queue, 60) for queue in book.queues)}" if book.queues else ""
    return ((Cell(f"no dead letters{where}: what failed for good was replayed or deleted, or nothing did", "muted"),),)


def unread_note(book: LetterBook | None) -> Line:
    """Say how many letters were not read."""
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
    note = (*unread_note(book), *cut, *table_note(state, _LAYOUT))
    return TableView(COLUMNS, rows, title, note, no_letters(model, book, state))


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
