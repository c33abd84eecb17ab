"""How the runs of each task ended lately."""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

from stem_tui.store import ClusterModel
from stem_tui.store.outcomes import SPAN, Outcomes, TaskOutcomes
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Line, Row, TableState, TableView
from stem_tui.views.queues import ERRORS_BREACHED
from stem_tui.views.rows import LazyRows
from stem_tui.views.tables import Layout, arrange, nothing_matches, table_note, titled

COLUMNS: Final = (
    Column("task", "TASK", 20),
    Column("runs", "RUNS", 7, right=True),
    Column("failed", "FAILED", 7, right=True),
    Column("retried", "RETRIED", 7, right=True, rank=4),
    Column("errors", "ERR%", 5, right=True),
    Column("mean", "MEAN", 7, right=True, rank=3),
    Column("last", "LAST", 8, rank=2),
    Column("why", "WHY MOST OF THEM FAIL", 22, flex=True),
    Column("queue", "QUEUE", 10, rank=1),
)


class _Item(NamedTuple):
    """A task and how its runs ended in the last ten minutes."""

    task: TaskOutcomes
    lately: Outcomes

    @property
    def is_failing(self) -> bool:
        return self.lately.errors > 0

    @property
    def why(self) -> str:
        return self.task.why if self.is_failing else ""

    @property
    def mean(self) -> float | None:
        return self.lately.seconds / self.lately.runs if self.lately.runs else None


_LAYOUT: Final[Layout[_Item]] = Layout(
    columns=COLUMNS,
    name=lambda item: item.task.name,
    fields={
        "task": lambda item: item.task.name,
        "queue": lambda item: item.task.label,
        "why": lambda item: item.why,
        "is": lambda item: "trouble failing" if item.is_failing else "",
    },
    order={
        "task": lambda item: item.task.name,
        "runs": lambda item: item.lately.runs,
        "failed": lambda item: item.lately.failed,
        "retried": lambda item: item.lately.retried,
        "errors": lambda item: item.lately.errors,
        "mean": lambda item: item.mean,
        "last": lambda item: item.task.failed_at,
        "why": lambda item: item.why or None,
        "queue": lambda item: item.task.label,
    },
    trouble=lambda item: (
        -item.lately.failed - item.lately.retried, -item.lately.runs, item.task.name, item.task.label,
    ),
    growing=frozenset({"task", "why", "queue"}),
    natural="failures",
)  # fmt: skip


def _row(item: _Item, model: ClusterModel, *, live: bool) -> Row:
    lately, failed_at = item.lately, item.task.failed_at
    bad = "error" if lately.errors >= ERRORS_BREACHED else "warning" if item.is_failing else ""
    return Row(
        item.task.key,
        (
            Cell(item.task.name),
            Cell(figures.count(lately.runs)),
            Cell(figures.count(lately.failed), "error" if lately.failed else ""),
            Cell(figures.count(lately.retried), "warning" if lately.retried else ""),
            Cell(figures.rate(lately.errors), bad),
            Cell(figures.NOTHING if item.mean is None else figures.duration(item.mean)),
            Cell(figures.NOTHING if failed_at is None else figures.clock(model.wall(failed_at)), "muted"),
            Cell(item.why or figures.NOTHING, bad),
            Cell(item.task.label),
        ),
        "" if live else "muted",
    )


def _span(model: ClusterModel, now: float) -> Line:
    watched = now - model.started
    missed = Cell(f"{model.events.missed:,} events missed  ", "warning")
    return (
        *((missed,) if model.events.missed else ()),
        Cell(f"last {figures.seconds(min(watched, SPAN))} of events  ", "muted"),
    )


def outcomes_table(model: ClusterModel, now: float, state: TableState) -> TableView:
    """Return the tasks whose runs ended lately, those that fail most first unless another order is chosen."""
    known = [_Item(task, task.lately(now)) for task in model.outcomes.all()]
    known = [item for item in known if item.lately.runs]
    items = arrange(known, _LAYOUT, state)
    rows = LazyRows(items, lambda item: item.task.key, partial(_row, model=model, live=model.link.is_live))
    if known:
        empty = nothing_matches(state.filter, [item.task.name for item in known])
    else:
        watching = figures.clock(model.wall(model.started))
        empty = ((Cell(f"no run has ended in the last ten minutes, watching since {watching}Z", "muted"),),)
    note = (*_span(model, now), *table_note(state, _LAYOUT))
    return TableView(COLUMNS, rows, titled("Outcomes by task", len(rows), len(known), state), note, empty)
