"""What a worker answered when it was asked: how it is, its tasks, the revocations of them."""

from __future__ import annotations

from collections.abc import Mapping

from stem_core.delivery import Revocation
from stem_core.snapshot import ChildSnapshot, RunningTask, WorkerSnapshot
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
        *children_section(answer.snapshot, width),
        *_limits(answer, width),
        *_scaling(answer, wall, width),
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


def children_section(snapshot: WorkerSnapshot, width: int) -> list[Line]:
    """Return a worker's child processes: what each runs, how big it is, how much it did; nothing if it has none."""
    if not snapshot.children:
        return []
    busy = sum(1 for child in snapshot.children if child.busy)
    running = {task.id: task.task for task in snapshot.running}
    return [
        section(f"child processes {len(snapshot.children)}, {busy} busy", width),
        *(child_line(child, running) for child in snapshot.children),
    ]


def child_line(child: ChildSnapshot, running: Mapping[str, str]) -> Line:
    """Return one child process; `running` has the names of tasks by id."""
    what = Cell("idle", "muted")
    if child.busy:
        task = running.get(child.task, "")
        what = Cell(f"{visible(figures.short_id(child.task))} {task}".strip() or "starts", "info")
    return (
        Cell(f"  pid {child.pid:<8} "),
        Cell(f"rss {figures.size(child.rss):>6}   {figures.count(child.tasks):>7} tasks done   ", "muted"),
        what,
    )


def _limits(answer: Inspection, width: int) -> list[Line]:
    if answer.rates is None:
        return []
    lines: list[Line] = [section(f"rate limits {len(answer.rates)}", width)]
    lines += [(Cell(f"  {task:<28} "), Cell(rate, "strong")) for task, rate in sorted(answer.rates.items())]
    return lines if answer.rates else [*lines, (Cell("  none that was set or met here", "muted"),)]


def _scaling(answer: Inspection, wall: float, width: int) -> list[Line]:
    scaling = answer.scaling
    if scaling is None:
        return []
    bounds = "it does not scale itself"
    if scaling.max is not None:
        least, most = figures.count(scaling.min), figures.count(scaling.max)
        bounds = f"between {least} and {most} slots, {answer.snapshot.concurrency} now"
    lines: list[Line] = [section("autoscale", width), (Cell(f"  {bounds}"),)]
    last = scaling.last
    if last is not None:
        ago = figures.seconds(max(0.0, wall - last.at))
        lines.append(
            (
                Cell(f"  last {last.before} → {last.after} slots, {ago} ago: "),
                Cell(last.reason or figures.UNKNOWN, "info"),
            )
        )
    return lines


def _revocation(one: Revocation) -> Line:
    how = "terminate" if one.terminate else "revoke"
    why = f'  "{one.reason}"' if one.reason else ""
    until = f"  until {figures.clock(one.until)}Z" if one.until else ""
    return (
        Cell(f"  {visible(figures.short_id(one.id)):<9} ", "muted"),
        Cell(f"{how} by {one.by or '?'}{why}", "warning"),
        Cell(until, "muted"),
    )
