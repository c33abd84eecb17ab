"""The table of queues."""

from __future__ import annotations

from functools import partial
from textwrap import wrap
from typing import Final

from stem_tui.store import ClusterModel, QueueEntry, drain_forecast
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Line, Row, TableState, TableView
from stem_tui.views.rows import LazyRows
from stem_tui.views.tables import Layout, arrange, nothing_matches, table_note, titled

ERRORS_BREACHED: Final = 5.0
OLDEST_BREACHED: Final = 300.0
GROWING_BREACHED: Final = 5.0
"""Seconds that a job must have waited for a growing backlog to be trouble: small waves are none."""

_REASON_WIDTH: Final = 74
"""Cells in a line of the reason why nothing is known, so that all of it can be read on a narrow screen."""

COLUMNS: Final = (
    Column("queue", "QUEUE", 15, flex=True),
    Column("state", "ST", 4),
    Column("backlog", "BACKLOG", 8, right=True),
    Column("history", "10m", 10, rank=3, sorts=False),
    Column("inflight", "INFL", 5, right=True, rank=1),
    Column("in", "IN/s", 6, right=True, rank=7),
    Column("out", "OUT/s", 6, right=True, rank=2),
    Column("errors", "ERR%", 5, right=True, rank=4),
    Column("oldest", "OLDEST", 7, right=True, rank=1),
    Column("drain", "DRAIN", 7, right=True, rank=3),
    Column("workers", "WRK", 4, right=True, rank=6),
    Column("delayed", "DELAYED", 7, right=True, rank=9),
    Column("dead", "DEAD", 6, right=True, rank=8),
)


def state_word(queue: QueueEntry) -> str:
    """Return `run` or `PAUS`."""
    return "run" if queue.stats.paused is None else "PAUS"


def trouble_of(queue: QueueEntry) -> str:
    """Say in a word why a queue is in trouble: `growing`, `unserved`, `failing`, `old`, or nothing."""
    if queue.stats.paused is not None:
        return ""
    if queue.backlog and queue.workers == 0:
        return "unserved"
    if queue.rates.errors is not None and queue.rates.errors >= ERRORS_BREACHED:
        return "failing"
    waited = queue.stats.oldest_s or 0.0
    if waited >= GROWING_BREACHED and drain_forecast(queue).kind == "never":
        return "growing"
    return "old" if waited >= OLDEST_BREACHED else ""


def _trouble_first(queue: QueueEntry) -> tuple[int, float, float, int, str]:
    level = 0 if trouble_of(queue) else 2 if queue.stats.paused is not None else 1
    failing = 0.0 if level else queue.rates.errors or 0.0
    return level, -(queue.stats.oldest_s or 0.0), -failing, -queue.backlog, queue.label


def _is(queue: QueueEntry) -> str:
    trouble = trouble_of(queue)
    return f"{state_word(queue).lower()} {f'trouble {trouble}' if trouble else ''}"


def _drain_order(queue: QueueEntry) -> float | None:
    drain = drain_forecast(queue)
    if drain.kind == "never":
        return float("inf")
    return drain.seconds


_LAYOUT: Final[Layout[QueueEntry]] = Layout(
    columns=COLUMNS,
    name=lambda queue: queue.label,
    fields={"queue": lambda queue: queue.label, "is": _is, "state": state_word},
    order={
        "queue": lambda queue: queue.label,
        "state": state_word,
        "backlog": lambda queue: queue.backlog,
        "inflight": lambda queue: queue.stats.inflight,
        "in": lambda queue: queue.rates.inward,
        "out": lambda queue: queue.rates.outward,
        "errors": lambda queue: queue.rates.errors,
        "oldest": lambda queue: queue.stats.oldest_s,
        "drain": _drain_order,
        "workers": lambda queue: queue.workers,
        "delayed": lambda queue: queue.stats.delayed,
        "dead": lambda queue: queue.stats.dead,
    },
    trouble=_trouble_first,
    growing=frozenset({"queue", "state"}),
)


def drain_text(queue: QueueEntry) -> str:
    """Write the forecast: `1m29s`, `never`, `flat`, `idle`, `paused` or `?`."""
    drain = drain_forecast(queue)
    if drain.seconds is not None:
        return "> 30d" if drain.seconds > 30 * 86400 else figures.duration(drain.seconds)
    return figures.UNKNOWN if drain.kind == "unknown" else drain.kind


def _row(queue: QueueEntry, *, live: bool) -> Row:
    stats, trouble = queue.stats, trouble_of(queue) if live else ""
    old = stats.oldest_s is not None and stats.oldest_s >= OLDEST_BREACHED
    return Row(
        queue.name,
        (
            Cell(queue.label, "warning" if trouble else ""),
            Cell(state_word(queue)),
            Cell(figures.count(stats.ready), "warning" if trouble in {"growing", "unserved"} else ""),
            Cell(figures.sparkline(queue.history, 10)),
            Cell(figures.count(stats.inflight) if live else figures.UNKNOWN),
            Cell(figures.rate(queue.rates.inward if live else None)),
            Cell(figures.rate(queue.rates.outward if live else None)),
            Cell(figures.rate(queue.rates.errors if live else None), "error" if trouble == "failing" else ""),
            Cell(
                figures.NOTHING if stats.oldest_s is None else figures.seconds(stats.oldest_s),
                "warning" if live and old else "",
            ),
            Cell(drain_text(queue) if live else figures.UNKNOWN, "warning" if trouble == "growing" else ""),
            Cell(figures.count(queue.workers if live else None), "warning" if trouble == "unserved" else ""),
            Cell(figures.count(stats.delayed)),
            Cell(figures.count(stats.dead), "strong" if stats.dead else ""),
        ),
        "muted" if not live or stats.paused is not None else "",
    )


def _empty(model: ClusterModel) -> tuple[Line, ...]:
    if model.queues_read_at is None:
        reason = model.problems.get("queues") or model.link.reason
        why = wrap(reason, _REASON_WIDTH)
        return ((Cell("queues are not known yet", "muted"),), *((Cell(line, "warning"),) for line in why))
    return (
        (
            Cell(f'broker answers, no queues in namespace "{model.identity.namespace}". New cluster?'),
            Cell("   [L] local worker", "muted"),
        ),
    )


def queue_table(model: ClusterModel, now: float, state: TableState) -> TableView:  # noqa: ARG001 - as all tables
    """Return the queues that the user wants to see, those in trouble first unless another order is chosen."""
    queues = arrange(model.queues.values(), _LAYOUT, state)
    rows = LazyRows(queues, lambda queue: queue.name, partial(_row, live=model.link.is_live))
    if model.queues and not rows:
        empty = nothing_matches(state.filter, [queue.label for queue in model.queues.values()])
    else:
        empty = _empty(model)
    note = table_note(state, _LAYOUT)
    dead = sum(queue.stats.dead for queue in model.queues.values())
    if dead:  # on a narrow screen there is no column for them
        note = (Cell(f"{figures.count(dead)} dead", "strong"), Cell(" [e]  ", "muted"), *note)
    if "queues" in model.problems:
        note = (Cell(f"{model.problems['queues']}  ", "error"), *note)
    return TableView(COLUMNS, rows, titled("Queues", len(rows), len(model.queues), state), note, empty)
