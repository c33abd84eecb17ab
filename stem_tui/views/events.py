"""The event tail."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count, islice
from typing import Final

from stem_core.text import visible
from stem_tui.store import ClusterModel
from stem_tui.store.events import EventEntry
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Line, Row, TableState, TableView
from stem_tui.views.rows import LazyRows
from stem_tui.views.tables import matching

GLYPHS: Final = {
    "enqueued": ("○", "muted"),
    "received": ("▷", "info"),
    "started": ("▶", "info"),
    "succeeded": ("✓", ""),
    "failed": ("✗", "error"),
    "retry": ("↻", "warning"),
    "revoked": ("■", "warning"),
    "draining": ("⇣", "warning"),
    "stopping": ("⇣", "warning"),
    "stopped": ("□", "muted"),
    "starting": ("△", "info"),
    "ready": ("▲", "success"),
    "undrained": ("▲", "success"),
    "scaled": ("↕", "info"),
    "command": ("»", "accent"),
    "not sched": ("✗", "error"),
}
FAULTS: Final = frozenset({"failed", "retry", "revoked", "not sched"})

_FIELDS: Final = {
    "task": lambda entry: entry.subject,
    "id": lambda entry: entry.task_key,
    "worker": lambda entry: entry.worker,
    "queue": lambda entry: entry.queue,
    "is": lambda entry: f"{entry.word} {'trouble' if entry.word in FAULTS else ''}",
    "detail": lambda entry: entry.detail,
}


_FIELDS_OF_NUMBERED: Final[dict[str, Callable[[tuple[int, EventEntry]], str]]] = {
    name: partial(lambda read, numbered: read(numbered[1]), read) for name, read in _FIELDS.items()
}
COLUMNS: Final = (
    Column("at", "TIME", 12, sorts=False),
    Column("event", "EVENT", 11, sorts=False),
    Column("subject", "SUBJECT", 20, sorts=False),
    Column("id", "ID", 8, rank=2, sorts=False),
    Column("worker", "WORKER", 16, rank=3, sorts=False),
    Column("detail", "DETAIL", 20, rank=1, flex=True, sorts=False),
)


def event_line(entry: EventEntry) -> Line:
    """Return one line of the tail: time, glyph, word, task, end of its id, worker, detail."""
    glyph, tone = GLYPHS.get(entry.word, ("·", ""))
    about = () if not entry.task_key else (Cell(f"{_shown(entry.task_key):<9} ", "muted"),)
    who = f"{entry.worker:<16} " if entry.worker != entry.subject else ""
    return (
        Cell(f"{figures.clock_ms(entry.at)} ", "muted"),
        Cell(f"{glyph} {entry.word:<9} ", tone),
        Cell(f"{entry.subject:<18} "),
        *about,
        Cell(who, "muted"),
        Cell(entry.detail, tone if entry.word in FAULTS else ""),
    )


def _shown(task_key: str) -> str:
    tail = figures.short_id(task_key)
    return tail if tail.isascii() and tail.isprintable() else "?" * len(tail)


def events_table(model: ClusterModel, now: float, limit: int, state: TableState) -> TableView:
    """Return the last events that match a filter, newest first; without any, why there are none."""
    events = model.events
    numbered = zip(count(events.kept, -1), reversed(events.entries), strict=False)
    if state.filter.strip():
        chosen = matching(numbered, state.filter, _FIELDS_OF_NUMBERED)[:limit]
    else:
        chosen = list(islice(numbered, limit))
    rows = LazyRows(chosen, lambda numbered: str(numbered[0]), _row)
    return TableView(COLUMNS, rows, "Events", events_note(model, now), _none(model, state.filter))


def _row(numbered: tuple[int, EventEntry]) -> Row:
    number, entry = numbered
    glyph, tone = GLYPHS.get(entry.word, ("·", ""))
    return Row(
        str(number),
        (
            Cell(figures.clock_ms(entry.at), "muted"),
            Cell(f"{glyph} {entry.word}", tone),
            Cell(entry.subject),
            Cell(_shown(entry.task_key) if entry.task_key else "", "muted"),
            Cell(entry.worker if entry.worker != entry.subject else "", "muted"),
            Cell(entry.detail, tone if entry.word in FAULTS else ""),
        ),
    )


def _none(model: ClusterModel, filter: str) -> tuple[Line, ...]:  # noqa: A002 - the word on screen
    if filter.strip() and model.events.entries:
        return ((Cell(f"nothing matches  /{visible(filter, 40)}/   of {len(model.events.entries)} events"),),)
    watching = figures.clock(model.wall(model.started))
    return ((Cell(f"no events yet, watching since {watching}Z", "muted"),),)


def events_note(model: ClusterModel, now: float) -> Line:
    """Say how complete the tail is, for the rule above it."""
    events = model.events
    if not model.link.is_live:
        return (Cell(f"data as of {_as_of(model)}", "muted"),)
    missed = (Cell(f" · {events.missed:,} missed", "warning"),) if events.missed else ()
    bad = (Cell(f" · {events.undecodable:,} unreadable", "warning"),) if events.undecodable else ()
    return (Cell(f"live · {figures.rate(events.rate(now))}/s", "muted"), *missed, *bad)


def _as_of(model: ClusterModel) -> str:
    return figures.NOTHING if model.link.data_at is None else figures.clock(model.wall(model.link.data_at))
