"""The table of workers."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

from stem_tui.store import ClusterModel, WorkerEntry, WorkerState
from stem_tui.store.workers import DIM_AFTER_BEATS
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Line, Row, TableState, TableView
from stem_tui.views.rows import LazyRows
from stem_tui.views.tables import Layout, arrange, nothing_matches, table_note, titled

COLUMNS: Final = (
    Column("worker", "WORKER", 24, flex=True),
    Column("state", "ST", 5),
    Column("inflight", "INFL", 7, right=True),
    Column("cpu", "CPU", 5, right=True, rank=5),
    Column("rss", "RSS", 6, right=True, rank=6),
    Column("heartbeat", "HB", 5, right=True, rank=1),
    Column("done", "DONE/m", 7, right=True, rank=4),
    Column("failed", "FAIL/m", 6, right=True, rank=2),
    Column("queues", "QUEUES", 14, rank=3),
)
_TONES: Final = {
    WorkerState.DRAIN: "warning",
    WorkerState.STOP: "warning",
    WorkerState.LATE: "warning",
    WorkerState.GONE: "error",
    WorkerState.START: "info",
}
_ORDER: Final = (
    WorkerState.GONE,
    WorkerState.LATE,
    WorkerState.STOP,
    WorkerState.DRAIN,
    WorkerState.START,
    WorkerState.RUN,
)
_SILENT: Final = frozenset({WorkerState.LATE, WorkerState.GONE})


def state_tone(state: WorkerState) -> str:
    """Return the tone of a worker's state."""
    return _TONES.get(state, "")


def _layout(now: float) -> Layout[WorkerEntry]:
    def is_(worker: WorkerEntry) -> str:
        state = worker.state(now)
        failing = bool(worker.failed_per_minute)
        return f"{state.lower()} {'trouble' if state in _TONES or failing else ''}"

    return Layout(
        columns=COLUMNS,
        name=lambda worker: worker.label,
        fields={
            "worker": lambda worker: worker.label,
            "queue": lambda worker: ",".join(worker.snapshot.queues),
            "host": lambda worker: worker.snapshot.host,
            "is": is_,
            "state": lambda worker: worker.state(now).lower(),
        },
        order={
            "worker": lambda worker: worker.label,
            "state": lambda worker: _ORDER.index(worker.state(now)),
            "inflight": lambda worker: worker.snapshot.held,
            "cpu": lambda worker: worker.snapshot.cpu,
            "rss": lambda worker: worker.snapshot.rss,
            "heartbeat": lambda worker: worker.age(now),
            "done": lambda worker: worker.done_per_minute,
            "failed": lambda worker: worker.failed_per_minute,
            "queues": lambda worker: ",".join(worker.snapshot.queues),
        },
        trouble=lambda worker: (_ORDER.index(worker.state(now)), worker.label),
        growing=frozenset({"worker", "state", "queues"}),
    )


def _inflight(worker: WorkerEntry, state: WorkerState, *, live: bool) -> Cell:
    snapshot = worker.snapshot
    if not live or state is WorkerState.GONE:
        return Cell(figures.UNKNOWN)
    full = snapshot.active >= snapshot.concurrency and snapshot.concurrency > 0
    return Cell(f"{snapshot.held}/{snapshot.concurrency}", "warning" if full and snapshot.held else "")


def _row(worker: WorkerEntry, now: float, *, live: bool) -> Row:
    snapshot, state = worker.snapshot, worker.state(now)
    known = live and state not in _SILENT
    dim = not live or state is WorkerState.GONE or worker.beats(now) > DIM_AFTER_BEATS
    return Row(
        worker.id,
        (
            Cell(worker.label),
            Cell(state.value, state_tone(state)) if live else Cell(figures.UNKNOWN),
            _inflight(worker, state, live=live),
            Cell(f"{snapshot.cpu:.0f}%" if known else figures.UNKNOWN),
            Cell(figures.UNKNOWN if state is WorkerState.GONE or not live else figures.size(snapshot.rss)),
            Cell(figures.seconds(worker.age(now)) if live else figures.UNKNOWN, state_tone(state) if live else ""),
            Cell(figures.per_minute(worker.done_per_minute if known else None)),
            Cell(
                figures.per_minute(worker.failed_per_minute if known else None),
                "error" if known and worker.failed_per_minute else "",
            ),
            Cell(",".join(snapshot.queues)),
        ),
        "muted" if dim else "",
    )


def _empty(model: ClusterModel, now: float) -> tuple[Line, ...]:
    if model.crew.read_at is None:
        reason = model.problems.get("workers")
        return ((Cell("workers are not known yet" + (f": {reason}" if reason else ""), "muted"),),)
    silent = figures.seconds(now - model.started)
    return (
        (Cell(f'no heartbeat in namespace "{model.identity.namespace}" in {silent}'),),
        (Cell("workers silent, or in another namespace?   [L] starts a local worker", "muted"),),
    )


def worker_table(model: ClusterModel, now: float, state: TableState) -> TableView:
    """Return the workers that the user wants to see, those in trouble first unless another order is chosen."""
    layout = _layout(now)
    workers = arrange(model.workers.values(), layout, state)
    live = model.link.is_live
    rows = LazyRows(workers, lambda worker: worker.id, partial(_row, now=now, live=live))
    if model.workers and not rows:
        empty = nothing_matches(state.filter, [worker.label for worker in model.workers.values()])
    else:
        empty = _empty(model, now)
    counts = Counter(worker.state(now) for worker in model.workers.values())
    tally = " · ".join(f"{counts[state]} {state.lower()}" for state in reversed(_ORDER) if counts[state])
    note = (Cell(tally, "muted"),) if live and tally else ()
    if state.filter or state.sort:
        note = (*note, Cell("  ", ""), *table_note(state, layout))
    return TableView(COLUMNS, rows, titled("Workers", len(rows), len(model.workers), state), note, empty)
