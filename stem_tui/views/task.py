"""One task in full: where it stands, its timeline, arguments, result and traceback."""

from __future__ import annotations

from typing import Final

from stem_core.states import TaskState
from stem_core.text import visible
from stem_tui.store import ClusterModel, TaskEntry
from stem_tui.store.details import Document, TaskDetail
from stem_tui.store.tasks import Mark
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Line, section
from stem_tui.views.events import GLYPHS
from stem_tui.views.task_rows import state_tone

_LABEL: Final = "muted"


def _times(detail: TaskDetail, wall: float) -> Line:
    status = detail.status
    parts = []
    if status.enqueued_at is not None:
        parts.append(f"enqueued {figures.clock(status.enqueued_at)}Z")
    if status.enqueued_at is not None and status.started_at is not None:
        parts.append(f"wait {figures.duration(max(0.0, status.started_at - status.enqueued_at))}")
    if status.started_at is not None:
        ended = status.finished_at if status.finished_at is not None else wall
        parts.append(f"run {figures.duration(max(0.0, ended - status.started_at))}")
    if status.finished_at is not None:
        parts.append(f"ended {figures.clock(status.finished_at)}Z")
    if status.due_at is not None and not status.state.is_terminal:
        parts.append(f"due in {figures.duration(max(0.0, status.due_at - wall))}")
    return (Cell("  " + "   ".join(parts)),)


def _mark_line(mark: Mark, before: Mark | None) -> Line:
    glyph, tone = GLYPHS.get(mark.word, ("·", ""))
    after = "" if before is None else f"+{figures.duration(max(0.0, mark.at - before.at))}"
    took = "" if mark.runtime is None else f"ran {figures.duration(max(0.0, mark.runtime))}  "
    return (
        Cell(f"  {figures.clock_ms(mark.at)} {after:>8}  ", _LABEL),
        Cell(f"{glyph} {mark.word:<9} ", tone),
        Cell(f"try {mark.attempt + 1}  "),
        Cell(f"{mark.worker}  ", _LABEL),
        Cell(f"{took}{mark.detail}", tone if mark.detail else ""),
    )


def _timeline(task: TaskEntry | None, width: int) -> list[Line]:
    if task is None or not task.marks:
        return []
    marks = sorted(task.marks, key=lambda mark: mark.at)
    total = figures.duration(max(0.0, marks[-1].at - marks[0].at))
    lines: list[Line] = [section(f"timeline · total {total}", width)]
    lines += [_mark_line(mark, before) for mark, before in zip(marks, [None, *marks], strict=False)]
    if task.cut:
        lines.append((Cell("  the middle of this timeline was left out", _LABEL),))
    return lines


def _document(title: str, text: Document, width: int, tone: str = "") -> list[Line]:
    complete = "first lines only" if text.cut else "complete"
    lines: list[Line] = [section(f"{title} · {text.size:,} B, {complete}", width)]
    return lines + [(Cell(f"  {line}", tone),) for line in text.lines]


def times_over(number: int) -> str:
    """Write how often something happened: `once`, `3 times`."""
    return "once" if number == 1 else f"{number:,} times"


def _head(detail: TaskDetail, model: ClusterModel, width: int) -> list[Line]:
    status = detail.status
    stale = "" if model.link.is_live else "  (as last read)"
    lines: list[Line] = [
        section(status.name, width),
        (
            Cell("  "),
            Cell(status.state.value.upper(), state_tone(status.state) or "strong"),
            Cell(f"  try {status.attempt + 1}   queue {status.queue}   worker {status.worker or figures.NOTHING}"),
        ),
        (
            Cell("  id ", _LABEL),
            Cell(visible(status.id, 128)),
            Cell(f"   handed out {times_over(status.deliveries)}{stale}", _LABEL),
        ),
    ]
    if status.reason:
        lines.append((Cell(f"  reason: {status.reason}", "warning"),))
    return lines


def _unread(model: ClusterModel, task_id: str, task: TaskEntry | None, width: int) -> list[Line]:
    lines: list[Line] = []
    if task is not None:
        lines += [section(task.name, width), (Cell("  "), Cell(task.state.value.upper(), state_tone(task.state)))]
    if "task" in model.problems:
        why = model.problems["task"]
    elif not model.link.is_live:
        why = f"not read: no broker ({model.link.reason})"
    elif model.watched == task_id and model.detail_read_at is not None:
        why = "the store knows no such task: its result has expired, or it was never enqueued here"
    else:
        why = "reading…"
    return [*lines, (Cell("  id ", _LABEL), Cell(visible(task_id, 128))), (Cell(f"  {why}", _LABEL),)]


def _running(model: ClusterModel, detail: TaskDetail) -> list[Line]:
    if detail.status.state is not TaskState.RUNNING:
        return []
    held = model.running().get(detail.status.id)
    if held is None or (held[1].progress is None and not held[1].note):
        return []
    progress, note = held[1].progress, held[1].note
    part = "" if progress is None else f"{figures.bar(round(progress * 100), 100, 20)} {progress:.0%} "
    return [(Cell(f"  progress {part}{note}", "info"),)]


def task_detail(model: ClusterModel, task_id: str, now: float, width: int) -> list[Line]:
    """Return all that is known of a task. It must be watched for the store's word on it to be there."""
    task = model.tasks.get(task_id)
    detail = model.detail if model.watched == task_id else None
    if detail is None:
        return _unread(model, task_id, task, width) + _timeline(task, width)
    lines = [*_head(detail, model, width), _times(detail, model.wall(now)), *_running(model, detail)]
    if detail.error:  # whoever opens a task that failed wants to know why
        lines += [section("error", width), (Cell(f"  {detail.error}", "error"),)]
    if detail.traceback is not None:
        lines += _document("traceback", detail.traceback, width)
    lines += _timeline(task, width)
    lines += _document("args", detail.args, width)
    if detail.result is not None:
        lines += _document("result", detail.result, width)
    return lines
