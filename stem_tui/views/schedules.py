"""What is enqueued when, and how well it is served. Moments are in the reader's own timezone."""

from __future__ import annotations

from functools import partial
from typing import Final

from stem_core.text import visible
from stem_tui.store import ClusterModel, ScheduleItem
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Line, Row, TableState, TableView, section
from stem_tui.views.tables import Layout, arrange, nothing_matches, table_note, titled

COLUMNS: Final = (
    Column("schedule", "SCHEDULE", 20),
    Column("state", "ST", 7),
    Column("spec", "WHEN", 14),
    Column("task", "TASK", 16, rank=3),
    Column("next", "NEXT", 15),
    Column("last", "LAST", 15, rank=2),
    Column("drift", "DRIFT", 6, right=True, rank=4),
    Column("runs", "RUNS", 7, right=True, rank=5),
    Column("error", "LAST ERROR", 16, rank=1, flex=True),
    Column("queue", "QUEUE", 12, rank=6),
)
_TONES: Final = {"OVERDUE": "error", "BROKEN": "error", "due": "info", "off": "muted", "ended": "muted"}
_RANK: Final = ("BROKEN", "OVERDUE", "due", "on", "off", "ended")


def state_of(item: ScheduleItem) -> str:
    """Return how a schedule stands: `on`, `off`, `due`, `ended`, `OVERDUE` if nobody serves it, `BROKEN`."""
    if item.problem:
        return "BROKEN"
    if not item.enabled:
        return "off"
    if item.next_run is None:
        return "ended"
    if item.overdue:
        return "OVERDUE"
    return "on" if item.late is None else "due"


def _in_trouble(item: ScheduleItem) -> bool:
    return bool(item.problem or item.overdue or item.error)


def _trouble(item: ScheduleItem) -> tuple[bool, int, float, str]:
    return not _in_trouble(item), _RANK.index(state_of(item)), item.next_run or 0.0, item.label


_LAYOUT: Final[Layout[ScheduleItem]] = Layout(
    columns=COLUMNS,
    name=lambda item: item.label,
    fields={
        "schedule": lambda item: item.label,
        "task": lambda item: item.task,
        "queue": lambda item: item.queue,
        "error": lambda item: item.error or item.problem,
        "state": state_of,
        "is": lambda item: f"{state_of(item).lower()} {'trouble' if _in_trouble(item) else ''}",
    },
    order={
        "schedule": lambda item: item.label,
        "state": lambda item: _RANK.index(state_of(item)),
        "spec": lambda item: item.spec,
        "task": lambda item: item.task,
        "next": lambda item: item.next_run,
        "last": lambda item: item.last_run,
        "drift": lambda item: item.drift if item.last_run is not None else None,
        "runs": lambda item: item.runs,
        "error": lambda item: item.error or None,
        "queue": lambda item: item.queue,
    },
    trouble=_trouble,
    growing=frozenset({"schedule", "state", "spec", "task", "next", "error", "queue"}),
)


def _row(item: ScheduleItem, wall: float, *, live: bool) -> Row:
    state = state_of(item)
    return Row(
        item.name,
        (
            Cell(item.label),
            Cell(state, _TONES.get(state, "")),
            Cell(item.spec),
            Cell(item.task),
            Cell(figures.NOTHING if item.next_run is None else figures.local(item.next_run, wall)),
            Cell(figures.NOTHING if item.last_run is None else figures.local(item.last_run, wall)),
            Cell(figures.NOTHING if item.last_run is None else figures.duration(item.drift)),
            Cell(figures.count(item.runs)),
            Cell(item.problem or item.error or figures.NOTHING, "error" if item.problem or item.error else ""),
            Cell(item.queue or figures.NOTHING),
        ),
        "" if live and item.enabled else "muted",
    )


def _empty(model: ClusterModel, state: TableState) -> tuple[Line, ...]:
    items = model.schedules.items
    if items:
        return nothing_matches(state.filter, [item.label for item in items.values()])
    if "schedules" in model.problems:
        return ((Cell(f"schedules cannot be read: {model.problems['schedules']}", "error"),),)
    if items is None:
        return ((Cell("reading…" if model.link.is_live else "no broker: schedules are not known", "muted"),),)
    return (
        (Cell(f'no schedules in namespace "{model.identity.namespace}"', "muted"),),
        (Cell("stem schedule apply --file FILE makes some; a program's own come with its scheduler", "muted"),),
    )


def schedules_table(model: ClusterModel, now: float, state: TableState) -> TableView:
    """Return the schedules that the user wants to see, those in trouble first unless another order is chosen."""
    wall, known = model.wall(now), model.schedules.items or {}
    items = arrange(known.values(), _LAYOUT, state)
    rows = tuple(map(partial(_row, wall=wall, live=model.link.is_live), items))
    note = (Cell(f"times in {figures.zone(wall)}  ", "muted"), *table_note(state, _LAYOUT))
    return TableView(COLUMNS, rows, titled("Schedules", len(rows), len(known), state), note, _empty(model, state))


def schedule_detail(model: ClusterModel, name: str, now: float, width: int) -> list[Line]:
    """Return all that is known of a schedule: when and what, how it went, and when it is sent next."""
    wall, item = model.wall(now), model.schedules.find(name)
    if item is None:
        gone = "reading…" if model.schedules.items is None else "there is no such schedule any more"
        return [(Cell(f"  {gone}", "muted"),)]
    state = state_of(item)
    if item.problem:
        broken = (Cell("  BROKEN", "error"), Cell(f"   it cannot be read: {item.problem}"))
        return [section(item.label, width), broken, (Cell("  apply it anew, or delete it: stem schedule", "muted"),)]
    lines: list[Line] = [
        section(item.label, width),
        (
            Cell("  "),
            Cell(state, _TONES.get(state, "strong")),
            Cell(f"   {item.spec}   sends {item.task or figures.UNKNOWN}"),
            Cell(f" to {item.queue}" if item.queue else ", routed as any other", "muted"),
        ),
        (Cell(f"  defined in {item.origin or figures.UNKNOWN}", "muted"), Cell(f"   args {item.args}")),
    ]
    lines += _past(item, wall)
    if item.overdue:
        late = figures.duration(item.late or 0.0)
        lines.append((Cell(f"  its tick passed {late} ago and nobody sent it: does a scheduler run?", "error"),))
    if item.error:
        lines += [section("last error", width), (Cell(f"  {item.error}", "error"),)]
    return [*lines, section(f"next · times in {figures.zone(wall)}", width), *_ticks(item, wall)]


def _past(item: ScheduleItem, wall: float) -> list[Line]:
    if item.last_run is None:
        return [(Cell("  it was never sent", "muted"),)]
    failed = Cell(f"   {item.failures:,} ticks could not be sent", "warning") if item.failures else Cell("")
    return [
        (
            Cell(f"  sent {item.runs:,} times, last {figures.local(item.last_run, wall)}"),
            Cell(f", {figures.duration(item.drift)} after its tick"),
            failed,
        ),
        (Cell("  as task ", "muted"), Cell(visible(item.last_id, 128))),
    ]


def _ticks(item: ScheduleItem, wall: float) -> list[Line]:
    if not item.enabled:
        return [(Cell("  it is switched off; [o] switches it on", "muted"),)]
    if item.next_run is None:
        return [(Cell("  no tick comes any more", "muted"),)]
    return [(Cell(f"  {figures.local(tick, wall):<16}"), _distance(tick - wall)) for tick in _coming(item)]


def _coming(item: ScheduleItem) -> tuple[float, ...]:
    first = () if item.next_run is None or item.next_run in item.ticks else (item.next_run,)
    return first + item.ticks


def _distance(seconds: float) -> Cell:
    if seconds < 0:
        return Cell(f"{figures.seconds(-seconds)} ago, not sent yet", "warning")
    return Cell(f"in {figures.seconds(seconds)}", "muted")
