"""What a worker answered when it was asked: how it is, its tasks, the revocations of them."""

from __future__ import annotations

from stem_core.delivery import Revocation
from stem_core.snapshot import RunningTask, WorkerSnapshot
from stem_core.text import visible
from stem_tui.store import ClusterModel, Inspection, ReceiptState
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Line, section
from stem_tui.views.receipts import describe_receipt


def inspection_lines(model: ClusterModel, worker: str, now: float, width: int) -> list[Line]:
    """Return the last answer of a worker, or what became of the question."""
    answer = model.inspection
    if answer is None or answer.worker != worker:
        return _unanswered(model, worker)
    wall = model.wall(now)
    tasks = [_task(task, wall) for task in answer.snapshot.running]
    revoked = [_revocation(one) for one in answer.revoked]
    return [
        section(f"{answer.label} answered in {figures.duration(answer.latency)}", width),
        *_state(answer, model, now),
        section(f"tasks {len(tasks)}{_held_too(answer.snapshot)}", width),
        *(tasks or [(Cell("  it holds no task", "muted"),)]),
        section(f"revocations of its tasks {len(revoked)}", width),
        *(revoked or [(Cell("  none", "muted"),)]),
    ]


def _unanswered(model: ClusterModel, worker: str) -> list[Line]:
    asked = [receipt for receipt in model.receipts if receipt.title == "inspect" and receipt.target_key == worker]
    if not asked or asked[-1].state is ReceiptState.SENT:
        return [(Cell("  asking…", "muted"),)]
    return [(Cell("  "), *describe_receipt(asked[-1], undo=False)), (Cell("  [i] asks again", "muted"),)]


def _state(answer: Inspection, model: ClusterModel, now: float) -> list[Line]:
    snapshot = answer.snapshot
    queues = ", ".join(snapshot.queues) or figures.NOTHING
    slots = f"{snapshot.active}/{snapshot.concurrency} slots busy   {snapshot.held} held of {snapshot.prefetch}"
    when = f"at {figures.clock(model.wall(answer.at))}Z, {figures.seconds(now - answer.at)} ago"
    return [
        (Cell(f"  {snapshot.state}", "strong"), Cell(f"   {slots}"), Cell(f"   {when}   [i] asks again", "muted")),
        (Cell("  queues ", "muted"), Cell(queues)),
        (Cell("  answers ", "muted"), Cell(", ".join(visible(word, 40) for word in snapshot.capabilities))),
    ]


def _held_too(snapshot: WorkerSnapshot) -> str:
    waiting = snapshot.held - len(snapshot.running)
    return f", and {waiting} held that have not started" if waiting > 0 else ""


def _task(task: RunningTask, wall: float) -> Line:
    age = f"runs {figures.seconds(wall - task.started_at)}" if task.started_at is not None else "held"
    part = "" if task.progress is None else f"{task.progress:.0%} "
    return (
        Cell(f"  {visible(figures.short_id(task.id)):<9} ", "muted"),
        Cell(f"{task.task:<24} "),
        Cell(f"{task.queue:<14} try {task.attempt + 1}  ", "muted"),
        Cell(f"{age:<12} ", "info" if task.started_at is not None else "muted"),
        Cell(f"{part}{task.note}"),
    )


def _revocation(one: Revocation) -> Line:
    how = "terminate" if one.terminate else "revoke"
    why = f'  "{one.reason}"' if one.reason else ""
    until = f"  until {figures.clock(one.until)}Z" if one.until else ""
    return (
        Cell(f"  {visible(figures.short_id(one.id)):<9} ", "muted"),
        Cell(f"{how} by {one.by or '?'}{why}", "warning"),
        Cell(until, "muted"),
    )
