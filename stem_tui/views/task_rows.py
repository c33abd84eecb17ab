"""Tables of tasks: those that a worker holds, and those seen of a queue."""

from __future__ import annotations

from typing import Final, NamedTuple

from stem_core.states import TaskState
from stem_core.text import visible
from stem_tui.store import ClusterModel
from stem_tui.store.clean import clean
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Row, TableState, TableView
from stem_tui.views.tables import Layout, arrange, nothing_matches, table_note, titled

MAX_ROWS: Final = 300

COLUMNS: Final = (
    Column("id", "ID", 8),
    Column("task", "TASK", 20, flex=True),
    Column("queue", "QUEUE", 11, rank=3),
    Column("try", "TRY", 3, right=True, rank=1),
    Column("age", "AGE", 7, right=True),
    Column("progress", "PROGRESS", 14, rank=4),
    Column("worker", "WORKER", 16, rank=5),
    Column("state", "STATE", 10),
)
_TONES: Final = {
    TaskState.FAILED: "error",
    TaskState.RETRIED: "warning",
    TaskState.RUNNING: "info",
    TaskState.CANCELLED: "muted",
}
_RANK: Final = {
    TaskState.RUNNING: 0,
    TaskState.FAILED: 1,
    TaskState.RETRIED: 2,
    TaskState.QUEUED: 3,
    TaskState.CANCELLED: 4,
    TaskState.SUCCEEDED: 5,
}


class TaskRow(NamedTuple):
    """A task as a table shows it. `age` is seconds since its run began, or since its last event."""

    id: str
    name: str
    queue: str
    attempt: int
    age: float | None
    progress: float | None
    note: str
    worker: str
    state: TaskState


def state_tone(state: TaskState) -> str:
    """Return the tone of a task's state."""
    return _TONES.get(state, "")


_LAYOUT: Final[Layout[TaskRow]] = Layout(
    columns=COLUMNS,
    name=lambda task: task.name,
    fields={
        "id": lambda task: task.id,
        "task": lambda task: task.name,
        "queue": lambda task: task.queue,
        "worker": lambda task: task.worker,
        "state": lambda task: task.state.value,
        "is": lambda task: (
            f"{task.state.value} {'trouble' if task.state in {TaskState.FAILED, TaskState.RETRIED} else ''}"
        ),
    },
    order={
        "id": lambda task: task.id,
        "task": lambda task: task.name,
        "queue": lambda task: task.queue,
        "try": lambda task: task.attempt,
        "age": lambda task: task.age,
        "progress": lambda task: task.progress,
        "worker": lambda task: task.worker,
        "state": lambda task: _RANK[task.state],
    },
    trouble=lambda task: (
        _RANK[task.state],
        -(task.age or 0.0) if task.state is TaskState.RUNNING else (task.age or 0.0),
    ),
    growing=frozenset({"id", "task", "queue", "worker", "state"}),
)


def _progress(task: TaskRow) -> str:
    if task.progress is None:
        return task.note or figures.NOTHING
    part = min(max(task.progress, 0.0), 1.0)
    filled = round(part * 6)
    return f"{'▓' * filled}{'░' * (6 - filled)} {part:.0%} {task.note}".rstrip()


def _row(task: TaskRow, *, live: bool) -> Row:
    return Row(
        task.id,
        (
            Cell(visible(figures.short_id(task.id))),
            Cell(task.name),
            Cell(task.queue),
            Cell(str(task.attempt + 1)),
            Cell(figures.seconds(task.age) if live else figures.UNKNOWN),
            Cell(_progress(task)),
            Cell(task.worker),
            Cell(task.state.value, state_tone(task.state)),
        ),
        "" if live else "muted",
    )


def _held(model: ClusterModel, now: float, worker: str | None, queue: str | None) -> dict[str, TaskRow]:
    wall = model.wall(now)
    rows: dict[str, TaskRow] = {}
    for task_id, (entry, task) in model.crew.running().items():
        if worker not in {None, entry.id} or queue not in {None, task.queue}:
            continue
        began = task.started_at
        rows[task_id] = TaskRow(
            task_id,
            task.task,
            task.queue,
            task.attempt,
            None if began is None else max(0.0, wall - began),
            task.progress,
            task.note,
            entry.label,
            TaskState.QUEUED if began is None else TaskState.RUNNING,
        )
    return rows


def _table(model: ClusterModel, rows: list[TaskRow], state: TableState, title: str, nothing: str) -> TableView:
    chosen = arrange(rows, _LAYOUT, state)
    live = model.link.is_live
    shown = tuple(_row(task, live=live) for task in chosen[:MAX_ROWS])
    empty = nothing_matches(state.filter, [task.name for task in rows]) if rows else ((Cell(nothing, "muted"),),)
    cut = (Cell(f"first {MAX_ROWS} of {len(chosen):,}  ", "warning"),) if len(chosen) > MAX_ROWS else ()
    return TableView(
        COLUMNS, shown, titled(title, len(chosen), len(rows), state), (*cut, *table_note(state, _LAYOUT)), empty
    )


def queue_tasks_table(model: ClusterModel, queue: str, now: float, state: TableState) -> TableView:
    """Return the tasks of a queue that workers hold, and those that its events told of."""
    wall = model.wall(now)
    rows = _held(model, now, None, queue)
    held = set(rows)
    for task in model.tasks.of_queue(clean(queue), MAX_ROWS):
        if task.id in held:
            continue
        age = max(0.0, wall - task.at)
        rows[task.id] = TaskRow(
            task.id, task.name, task.queue, task.attempt, age, None, task.detail, task.worker, task.state
        )
    nothing = "no task of this queue was seen yet; waiting ones appear when a worker takes them"
    return _table(model, list(rows.values()), state, "Tasks seen", nothing)


def worker_tasks_table(model: ClusterModel, worker: str, now: float, state: TableState) -> TableView:
    """Return the tasks that a worker holds, by its own last word."""
    rows = list(_held(model, now, worker, None).values())
    return _table(model, rows, state, "In flight", "it holds no task")
