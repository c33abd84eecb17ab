"""The worker processes that this console started, and what they write."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from stem_core.text import visible
from stem_tui.store import ClusterModel, LocalState, LocalWorker
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Line, Row, TableState, TableView
from stem_tui.views.tables import Layout, arrange, matching, nothing_matches, table_note, titled

COLUMNS: Final = (
    Column("worker", "WORKER", 16, flex=True),
    Column("state", "ST", 4),
    Column("pid", "PID", 7, right=True, rank=2),
    Column("app", "APP", 24, rank=1),
    Column("queues", "QUEUES", 14, rank=4),
    Column("slots", "SLOTS", 5, right=True, rank=3),
    Column("up", "UP", 7, right=True),
    Column("exit", "EXIT", 18),
)
_TONES: Final = {LocalState.STARTING: "info", LocalState.STOPPING: "warning"}
_OWN_STAMP: Final = re.compile(r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d+ ")
"""The time that a line brings along: the console stamps each by the clock of the rest of the screen."""
_LEVELS: Final = {"ERROR": "error", "CRITICAL": "error", "WARNING": "warning", "WARN": "warning", "stem: ": "error"}


def _queues(worker: LocalWorker) -> str:
    return visible(",".join(worker.queues), 60) or "default"


_LAYOUT: Final[Layout[LocalWorker]] = Layout(
    columns=COLUMNS,
    name=lambda worker: worker.key,
    fields={
        "worker": lambda worker: worker.key,
        "app": lambda worker: worker.app,
        "queue": _queues,
        "state": lambda worker: worker.state.value,
        "is": lambda worker: f"{worker.state.value} {'trouble' if worker.exit_code else ''}",
    },
    order={
        "worker": lambda worker: worker.key,
        "state": lambda worker: worker.state.value,
        "pid": lambda worker: worker.pid,
        "app": lambda worker: worker.app,
        "queues": _queues,
        "slots": lambda worker: worker.concurrency,
        "up": lambda worker: -worker.started_at,
        "exit": lambda worker: worker.exit_code,
    },
    trouble=lambda worker: -worker.started_at,
    growing=frozenset({"worker", "state", "app", "queues"}),
    natural="newest",
)


def _lived(worker: LocalWorker, wall: float) -> float:
    return max(0.0, (worker.ended_at if worker.ended_at is not None else wall) - worker.started_at)


def _row(worker: LocalWorker, wall: float) -> Row:
    return Row(
        worker.key,
        (
            Cell(visible(worker.key)),
            Cell(worker.state.value, _TONES.get(worker.state, "")),
            Cell(str(worker.pid or figures.UNKNOWN)),
            Cell(visible(worker.app, 120)),
            Cell(_queues(worker)),
            Cell(figures.NOTHING if worker.concurrency is None else str(worker.concurrency)),
            Cell(figures.seconds(_lived(worker, wall))),
            Cell(worker.ending or figures.NOTHING, "error" if worker.exit_code else ""),
        ),
        "" if worker.is_alive else "muted",
    )


def local_table(model: ClusterModel, now: float, state: TableState) -> TableView:
    """Return this console's worker processes, the newest first unless another order is chosen."""
    workers = arrange(model.local.values(), _LAYOUT, state)
    rows = tuple(map(partial(_row, wall=model.wall(now)), workers))
    if model.local:
        empty = nothing_matches(state.filter, list(model.local))
    else:
        empty = ((Cell("this console started no worker", "muted"), Cell("   [L] start one", "muted")),)
    note = table_note(state, _LAYOUT) if state.filter or state.sort else ()
    return TableView(COLUMNS, rows, titled("Local workers", len(rows), len(model.local), state), note, empty)


def local_log_lines(
    model: ClusterModel,
    key: str,
    limit: int = 500,
    filter: str = "",  # noqa: A002 - the word on screen
) -> list[Line]:
    """Return the command line of a local worker, the last lines that it wrote, oldest first, and how it ended."""
    worker = model.local.get(key)
    if worker is None:
        return []
    lines = matching(worker.log, filter, {"text": lambda line: line.text}) if filter.strip() else list(worker.log)
    shown: list[Line] = [(Cell(f"$ {visible(worker.command, 400)}", "muted"),)]
    if worker.dropped:
        shown.append((Cell(f"{worker.dropped:,} older lines dropped", "muted"),))
    if not lines:
        nothing = f"nothing matches  /{visible(filter, 40)}/" if worker.log else "it wrote nothing yet"
        shown.append((Cell(nothing, "muted"),))
    for line in lines[-limit:]:
        tone = next((tone for level, tone in _LEVELS.items() if level in line.text[:60]), "")
        text = _OWN_STAMP.sub("", line.text, count=1)
        shown.append((Cell(f"{figures.clock_ms(line.at)} ", "muted"), Cell(text, tone)))
    return [*shown, *_end(worker)]


def _end(worker: LocalWorker) -> list[Line]:
    if worker.ended_at is None:
        return []
    asked = " after it was told to stop" if worker.stop_asked_at is not None else ""
    lived = f", lived {figures.duration(_lived(worker, worker.ended_at))}"
    tone = "error" if worker.exit_code else "strong"
    return [(Cell(f"{figures.clock_ms(worker.ended_at)} ", "muted"), Cell(f"{worker.ending}{asked}{lived}", tone))]
