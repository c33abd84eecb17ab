"""Tables of tasks: those that a worker holds, and those seen of a queue."""

from __future__ import annotations

from typing import Final, NamedTuple

from stem_core.states import TaskState
from stem_core.text import visible
from stem_tui.store import ClusterModel, Waiting
from stem_tui.store.clean import clean
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Column, Line, Row, TableState, TableView
from stem_tui.views.tables import Layout, arrange, nothing_matches, table_note, titled, without

MAX_ROWS: Final = 300

COLUMNS: Final = (
    Column("id", "ID", 8),
    Column("task", "TASK", 20),
    Column("queue", "QUEUE", 12, rank=3),
    Column("state", "STATE", 9),
    Column("try", "TRY", 3, right=True, rank=1),
    Column("age", "AGE", 7, right=True),
    Column("worker", "WORKER", 14, rank=4),
    Column("progress", "PROGRESS", 12, rank=2, flex=True),
)
_OF_A_QUEUE: Final = frozenset({"queue"})
_OF_A_WORKER: Final = frozenset({"worker"})
"""Columns that would say the same in every row."""
_TONES: Final = {
    TaskState.FAILED: "error",
    TaskState.RETRIED: "warning",
    TaskState.RUNNING: "info",
    TaskState.CANCELLED: "muted",
}
_HELD, _WAITING, _DELAYED = "held", "waiting", "delayed"
_RANK: Final = {
    TaskState.RUNNING.value: 0,
    _HELD: 1,
    _WAITING: 2,
    _DELAYED: 3,
    TaskState.FAILED.value: 4,
    TaskState.RETRIED.value: 5,
    TaskState.QUEUED.value: 6,
    TaskState.CANCELLED.value: 7,
    TaskState.SUCCEEDED.value: 8,
}
"""What workers hold, what waits for them, what was seen last: the order when none is chosen."""


class TaskRow(NamedTuple):
    """A task as a table shows it.

    Args:
        id: Task id.
        name: Task name.
        queue: Queue.
        attempt: Number of its run, from 0.
        age: Seconds since its run began, since it was sent, or since its last event.
        progress: How far it is, 0 to 1, None if not known.
        note: What it says about itself, or why it failed.
        worker: Who has it, or had it last.
        state: Where it stands.
        word: The same, or more exactly: `held`, `waiting`, `delayed`.
        place: Its place among those that wait.
    """

    id: str
    name: str
    queue: str
    attempt: int
    age: float | None
    progress: float | None
    note: str
    worker: str
    state: TaskState
    word: str
    place: int = 0


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
        "state": lambda task: task.word,
        "is": lambda task: (
            f"{task.word} {task.state.value} {'trouble' if task.state in {TaskState.FAILED, TaskState.RETRIED} else ''}"
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
        "state": lambda task: _RANK[task.word],
    },
    trouble=lambda task: (
        _RANK[task.word],
        task.place,
        -(task.age or 0.0) if task.state is TaskState.RUNNING else (task.age or 0.0),
    ),
    growing=frozenset({"id", "task", "queue", "worker", "state"}),
    natural="stage",
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
            Cell(task.word, state_tone(task.state)),
            Cell(str(task.attempt + 1)),
            Cell(figures.seconds(task.age) if live else figures.UNKNOWN),
            Cell(task.worker or figures.NOTHING),
            Cell(_progress(task), state_tone(task.state) if task.progress is None and task.note else ""),
        ),
        "" if live else "muted",
    )


def _held(model: ClusterModel, now: float, worker: str | None, queue: str | None) -> dict[str, TaskRow]:
    wall = model.wall(now)
    rows: dict[str, TaskRow] = {}
    for task_id, (entry, task) in model.running().items():
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
            *((TaskState.QUEUED, _HELD) if began is None else (TaskState.RUNNING, TaskState.RUNNING.value)),
        )
    return rows


def _waiting(waiting: Waiting | None, queue: str, wall: float) -> dict[str, TaskRow]:
    rows: dict[str, TaskRow] = {}
    for place, task in enumerate(waiting.tasks if waiting is not None else ()):
        left = 0.0 if task.due_at is None else task.due_at - wall
        age = None if task.enqueued_at is None else max(0.0, wall - task.enqueued_at)
        word, note = (_DELAYED, f"in {figures.seconds(left)}") if left > 0 else (_WAITING, "")
        rows[task.id] = TaskRow(
            task.id, task.name, queue, task.attempt, age, None, note, "", task.state, word, place
        )  # fmt: skip
    return rows


def _table(model: ClusterModel, rows: list[TaskRow], state: TableState, title: str, nothing: str) -> TableView:
    chosen = arrange(rows, _LAYOUT, state)
    live = model.link.is_live
    shown = tuple(_row(task, live=live) for task in chosen[:MAX_ROWS])
    empty = nothing_matches(state.filter, [task.name for task in rows]) if rows else ((Cell(nothing, "muted"),),)
    cut = (Cell(f"first {MAX_ROWS} of {len(chosen):,}  ", "warning"),) if len(chosen) > MAX_ROWS else ()
    asked = table_note(state, _LAYOUT) if state.filter or state.sort else ()
    return TableView(COLUMNS, shown, titled(title, len(chosen), len(rows), state), (*cut, *asked), empty)


def queue_tasks_table(model: ClusterModel, queue: str, now: float, state: TableState) -> TableView:
    """Return the tasks of a queue: those that workers hold, those that wait, and those that its events told of."""
    wall, name = model.wall(now), clean(queue)
    waiting = model.waiting if model.waiting is not None and model.waiting.queue == queue else None
    rows = _waiting(waiting, name, wall)
    rows.update(_held(model, now, None, name))
    for task in model.tasks.of_queue(name, MAX_ROWS):
        if task.id in rows:
            continue
        rows[task.id] = TaskRow(
            task.id, task.name, task.queue, task.attempt, max(0.0, wall - task.at), None, task.detail, task.worker,
            task.state, task.state.value,
        )  # fmt: skip
    view = without(_table(model, list(rows.values()), state, "Tasks", _no_tasks(model, waiting, now)), _OF_A_QUEUE)
    return view._replace(note=(*_left_out(model, queue, waiting), *view.note))


def _no_tasks(model: ClusterModel, waiting: Waiting | None, now: float) -> str:
    if waiting is None:
        return "what waits in it is not known yet"
    return f"nothing waits or runs here, and no task was seen in {figures.seconds(now - model.started)}"


def _left_out(model: ClusterModel, queue: str, waiting: Waiting | None) -> Line:
    """Say how many of the waiting tasks are not in the table, or why none is."""
    if "waiting" in model.problems:
        return (Cell(f"waiting: {model.problems['waiting']}  ", "error"),)
    entry = model.queues.get(queue)
    if waiting is None or entry is None or entry.stats.ready + entry.stats.delayed <= len(waiting.tasks):
        return ()
    total = figures.count(entry.stats.ready + entry.stats.delayed)
    return (Cell(f"first {len(waiting.tasks)} of {total} waiting  ", "warning"),)


def worker_tasks_table(model: ClusterModel, worker: str, now: float, state: TableState) -> TableView:
    """Return the tasks that a worker holds, by its own last word."""
    rows = list(_held(model, now, worker, None).values())
    return without(_table(model, rows, state, "In flight", "it holds no task"), _OF_A_WORKER)
