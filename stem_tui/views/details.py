"""The figures above the tasks on the pages of a queue and of a worker."""

from __future__ import annotations

from typing import Final

from stem_core.text import visible
from stem_tui.store import ClusterModel, LinkState, QueueEntry, WorkerEntry, WorkerState
from stem_tui.store.events import EventEntry
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Line
from stem_tui.views.events import event_line
from stem_tui.views.inspection import child_line
from stem_tui.views.queues import drain_text, state_word, trouble_of
from stem_tui.views.receipts import describe_receipt
from stem_tui.views.workers import state_tone

_GRAPH_HEIGHT: Final = 4
_LOW_GRAPH: Final = 2
_LOW_PAGE: Final = 24
"""Lines of a page below which the graph gives way to the tasks."""
_RECENT: Final = 4
_ROOMY: Final = 94
"""Cells of a line in which there is room to draw what a figure says already."""
_CHILDREN: Final = 4
"""Child processes on the worker's page; `inspect` shows all."""


def _label(model: ClusterModel, text: str) -> Cell:
    return Cell(text, "muted" if model.link.state is not LinkState.LIVE else "strong")


def _pairs(model: ClusterModel, pairs: list[tuple[str, str, str]]) -> Line:
    cells = [Cell("  ")]
    stale = model.link.state is not LinkState.LIVE
    for name, value, tone in pairs:
        cells += [Cell(f"{name} ", "muted"), Cell(f"{value}   ", "muted" if stale else tone or "strong")]
    return tuple(cells)


def _graph(queue: QueueEntry, width: int, height: int) -> list[Line]:
    values = list(queue.history)
    most = max((value for value in values if value is not None), default=0)
    if not most:
        return [(Cell("  no backlog in the last 10 minutes", "muted"),)]
    tall = _GRAPH_HEIGHT if height >= _LOW_PAGE else _LOW_GRAPH
    lines = figures.graph(values, min(60, max(10, width - 12)), tall)
    top = figures.count(most)
    shown: list[Line] = [(Cell("  backlog over the last 10 minutes", "muted"),)]
    for place, line in enumerate(lines):
        scale = top if place == 0 else "0" if place == tall - 1 else ""
        shown.append((Cell(f"{scale:>8} {'┤' if scale else '│'}", "muted"), Cell(line)))
    return shown


def _workers(queue: QueueEntry, *, live: bool) -> str:
    return f"{figures.count(queue.workers if live else None)} {'worker' if queue.workers == 1 else 'workers'}"


def queue_detail(model: ClusterModel, queue: str, now: float, width: int, height: int = _LOW_PAGE) -> list[Line]:
    """Return what is known of a queue: figures, rates, who paused it, the graph of its backlog.

    Args:
        model: What is known.
        queue: The queue's name.
        now: The console's monotonic clock.
        width: Cells in a line.
        height: Lines of the page that it is a part of.
    """
    entry = model.queues.get(queue)
    if entry is None:
        return [(Cell(f"  no queue {visible(queue, 120)} is known", "muted"),)]
    live = model.link.is_live
    stats, rates, trouble = entry.stats, entry.rates, trouble_of(entry) if live else ""
    known = "warning" if trouble else ""
    lines: list[Line] = [
        (
            Cell("  "),
            _label(model, state_word(entry)),
            Cell(f" · {_workers(entry, live=live)}"),
            Cell(f" · read {figures.precise(now - entry.read_at)} ago", "" if live else "muted"),
        ),
        _pairs(
            model,
            [
                ("BACKLOG", figures.count(stats.ready), known),
                ("OLDEST", figures.NOTHING if stats.oldest_s is None else figures.seconds(stats.oldest_s), known),
                ("DRAIN", drain_text(entry) if live else figures.UNKNOWN, known),
                ("INFL", figures.count(stats.inflight) if live else figures.UNKNOWN, ""),
                ("DELAYED", figures.count(stats.delayed), ""),
                ("DEAD", figures.count(stats.dead), "error" if stats.dead else ""),
            ],
        ),
        _pairs(
            model,
            [
                ("in", f"{figures.rate(rates.inward if live else None)}/s", ""),
                ("out", f"{figures.rate(rates.outward if live else None)}/s", ""),
                ("err", f"{figures.rate(rates.errors if live else None)}%", "error" if trouble == "failing" else ""),
                ("done", figures.count(stats.succeeded), ""),
                ("failed", figures.count(stats.failed), ""),
                ("retried", figures.count(stats.retried), ""),
                *([("cancelled", figures.count(stats.cancelled), "")] if stats.cancelled else []),
            ],
        ),
    ]
    if stats.paused is not None:
        pause = stats.paused
        until = "" if pause.until is None else f" until {figures.clock(pause.until)}Z"
        why = f': "{pause.reason}"' if pause.reason else ""
        lines.append(
            (Cell(f"  PAUSED since {figures.clock(pause.since)}Z by {pause.by or '?'}{until}{why}", "warning"),)
        )
    return lines + _graph(entry, width, height)


def _bar(worker: WorkerEntry, *, known: bool) -> str:
    return f" {figures.bar(worker.snapshot.active if known else 0, worker.snapshot.concurrency)}"


def _vitals(model: ClusterModel, worker: WorkerEntry, now: float, width: int) -> list[Line]:
    snapshot, state = worker.snapshot, worker.state(now)
    known = model.link.is_live and state not in {WorkerState.LATE, WorkerState.GONE}
    lease = figures.NOTHING if snapshot.lease_age is None else figures.seconds(snapshot.lease_age)
    most = snapshot.max_concurrency
    beat = f"{figures.seconds(worker.age(now))} of {figures.duration(snapshot.interval)}"
    slots = f"{snapshot.active}/{snapshot.concurrency}" if known else figures.UNKNOWN
    drift = snapshot.at - (model.wall(now) - worker.age(now)) if known else None
    return [
        _pairs(
            model,
            [
                ("slots", f"{slots}{_bar(worker, known=known) if width >= _ROOMY else ''}", ""),
                ("held", f"{figures.count(snapshot.held if known else None)} of {snapshot.prefetch:,}", ""),
                ("autoscale", "off" if most is None else f"to {most}", ""),
                ("hb", beat, state_tone(state)),
                ("lease", lease if known else figures.UNKNOWN, ""),
                (
                    "clock",
                    figures.UNKNOWN if drift is None else f"{round(drift, 1) + 0.0:+.1f}s",
                    "warning" if drift is not None and abs(drift) > 2.0 else "",
                ),
            ],
        ),
        _pairs(
            model,
            [
                ("cpu", f"{snapshot.cpu:.0f}% {_cpu(worker)}" if known else figures.UNKNOWN, ""),
                ("rss", figures.size(snapshot.rss) if known else figures.UNKNOWN, ""),
                ("loop lag", f"{snapshot.loop_lag * 1000:.0f}ms" if known else figures.UNKNOWN, ""),
                ("done", figures.count(snapshot.succeeded), ""),
                ("failed", figures.count(snapshot.failed), "error" if snapshot.failed else ""),
                ("retried", figures.count(snapshot.retried), ""),
                *([("events dropped", figures.count(snapshot.dropped), "warning")] if snapshot.dropped else []),
                *([("refused", figures.count(snapshot.refused), "error")] if snapshot.refused else []),
            ],
        ),
    ]


def _cpu(worker: WorkerEntry) -> str:
    return figures.sparkline([int(value) for value in worker.cpu_history], 8)


def _children(worker: WorkerEntry) -> list[Line]:
    """Return the child processes, those that run something first, as many as leave room for the tasks."""
    children = sorted(worker.snapshot.children, key=lambda child: (not child.busy, child.pid))
    if not children:
        return []
    running = {task.id: task.task for task in worker.snapshot.running}
    lines: list[Line] = [(Cell(f"  child processes {len(children)}", "muted"),)]
    lines += [(Cell("  "), *child_line(child, running)) for child in children[:_CHILDREN]]
    if len(children) > _CHILDREN:
        lines.append((Cell(f"    and {len(children) - _CHILDREN} more; [i] shows all", "muted"),))
    return lines


def _scaled(model: ClusterModel, worker: str) -> list[Line]:
    """Return why the number of slots changed last, as far as events told."""
    last = next((event for event in reversed(model.events.entries) if _is_scaling(event, worker)), None)
    if last is None:
        return []
    return [(Cell("  scaled  ", "muted"), Cell(f"{figures.clock(last.at)}Z "), Cell(last.detail, "info"))]


def _is_scaling(event: EventEntry, worker: str) -> bool:
    return event.word == "scaled" and event.worker_key == worker


def worker_detail(model: ClusterModel, worker: str, now: float, width: int) -> list[Line]:
    """Return what is known of a worker: figures, commands to it, its last events."""
    entry = model.workers.get(worker)
    if entry is None:
        return [(Cell(f"  no worker {visible(worker, 120)} is known; it may have ended", "muted"),)]
    snapshot, state = entry.snapshot, entry.state(now)
    up = figures.seconds(max(0.0, model.wall(now) - snapshot.started_at)) if snapshot.started_at else figures.UNKNOWN
    broadcasts = f" · broadcasts {', '.join(snapshot.broadcasts)}" if snapshot.broadcasts else ""
    lines: list[Line] = [
        (
            Cell("  "),
            Cell(state.value, state_tone(state) or "strong") if model.link.is_live else _label(model, figures.UNKNOWN),
            Cell(f" · host {snapshot.host or '?'} · pid {snapshot.pid or '?'} · v{snapshot.version or '?'} · up {up}"),
        ),
        *_vitals(model, entry, now, width),
        (Cell(f"  queues {', '.join(snapshot.queues)}{broadcasts}"),),
    ]
    lines += _children(entry)
    lines += _scaled(model, worker)
    receipts = [
        receipt
        for receipt in reversed(list(model.receipts))
        if receipt.target_key == worker or any(ack.worker == entry.label for ack in receipt.acks)
    ][:3]
    if receipts:
        lines.append((Cell("  commands", "muted"),))
        lines += [(Cell("    "), *describe_receipt(receipt, undo=False)) for receipt in receipts]
    recent = [event for event in reversed(model.events.entries) if event.worker_key == worker][:_RECENT]
    if recent:
        lines.append((Cell("  recent", "muted"),))
        lines += [(Cell("    "), *event_line(event)) for event in recent]
    return lines
