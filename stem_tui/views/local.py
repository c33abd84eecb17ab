"""The page of a worker process that this console started."""

from __future__ import annotations

from stem_core.text import visible
from stem_tui.store import ClusterModel, LocalState, LocalWorker
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Line
from stem_tui.views.tables import matching

_TONES = {LocalState.STARTING: "info", LocalState.RUNNING: "", LocalState.STOPPING: "warning"}
_LEVELS = {"ERROR": "error", "CRITICAL": "error", "WARNING": "warning", "WARN": "warning"}


def exit_text(worker: LocalWorker) -> str:
    """Say how a process ended."""
    if worker.exit_code is None:
        return figures.NOTHING
    how = f"exit {worker.exit_code}" if worker.exit_code >= 0 else f"killed by signal {-worker.exit_code}"
    asked = " after it was told to stop" if worker.stop_asked_at is not None else ""
    return f"{how}{asked}"


def _one(model: ClusterModel, worker: LocalWorker, now: float) -> list[Line]:
    ended = worker.ended_at if worker.ended_at is not None else model.wall(now)
    tone = _TONES.get(worker.state, "error" if worker.exit_code else "muted")
    slots = "" if worker.concurrency is None else f" · {worker.concurrency} slots"
    return [
        (
            Cell(f"  {worker.key}", "strong"),
            Cell(f"  {worker.state.value}", tone),
            Cell(
                f" · pid {worker.pid or '?'} · app {worker.app} · queues {','.join(worker.queues) or 'default'}{slots}"
                f" · up {figures.seconds(max(0.0, ended - worker.started_at))} · exit {exit_text(worker)}"
            ),
        ),
        (Cell(f"  $ {worker.command}", "muted"),),
    ]


def local_lines(model: ClusterModel, now: float, key: str | None = None) -> list[Line]:
    """Return this console's worker processes, or one of them."""
    chosen = [worker for worker in model.local.values() if key is None or worker.key == key]
    if not chosen:
        return [(Cell("  this console started no worker", "muted"), Cell("   [L] start one", "muted"))]
    return [line for worker in chosen for line in _one(model, worker, now)]


def local_log_lines(
    model: ClusterModel,
    key: str,
    limit: int = 500,
    filter: str = "",  # noqa: A002 - the word on screen
) -> list[Line]:
    """Return the last lines that a local worker wrote, oldest first."""
    worker = model.local.get(key)
    if worker is None:
        return [(Cell("no such local worker", "muted"),)]
    lines = matching(worker.log, filter, {"text": lambda line: line.text}) if filter.strip() else list(worker.log)
    if not lines:
        nothing = f"nothing matches  /{visible(filter, 40)}/" if worker.log else "it wrote nothing yet"
        return [(Cell(nothing, "muted"),)]
    shown: list[Line] = [(Cell(f"{worker.dropped:,} older lines dropped", "muted"),)] if worker.dropped else []
    for line in lines[-limit:]:
        tone = next((tone for level, tone in _LEVELS.items() if level in line.text[:60]), "")
        shown.append((Cell(f"{figures.clock_ms(line.at)} ", "muted"), Cell(line.text, tone)))
    return shown
