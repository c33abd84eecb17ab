"""The first two lines: which cluster, how alive, and the one sentence that matters most."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from stem_tui.store import ClusterModel, LinkState, QueueEntry, WorkerState
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Line
from stem_tui.views.queues import trouble_of

_TELL_RECONNECT: Final = 30.0
_WIDE: Final = 96
_PLACE: Final = 24
_ROOMY: Final = 60
_FAILED_LATELY: Final = 60.0
"""Seconds over which a queue's percentage of failed runs is taken."""
_ERROR_SHOWN: Final = 48


class Frozen(NamedTuple):
    """That the display stands still: since when (monotonic), and how many events had been read by then."""

    since: float
    total: int


def _who(model: ClusterModel, room: int) -> Line:
    """Name the cluster; where its broker lies only if there is room for most of that."""
    identity = model.identity
    name = identity.name or ("demo" if identity.demo else "")
    cells = [Cell(" stem │ ", "strong"), Cell(f"{name} " if name else "")]
    if identity.prod:
        cells.append(Cell("▌PROD▐", "prod"))
        cells.append(Cell(" "))
    if model.warnings:
        cells.append(Cell("▲ WARNING " if room >= _ROOMY else "▲ ", "error"))
    if identity.demo and identity.name:
        cells.append(Cell("DEMO ", "accent"))
    cells.append(Cell(f"ns={identity.namespace}  "))
    left = min(len(identity.location), room - sum(len(cell.text) for cell in cells) - 2)
    if left >= min(len(identity.location), _PLACE):
        cells.append(Cell(f"{identity.location[:left]}  ", "muted"))
    return tuple(cells)


def _connecting(model: ClusterModel, now: float) -> Line:
    link = model.link
    wait = "" if link.next_try is None else f"  next {figures.precise(max(0.0, link.next_try - now))}"
    reason = f"  ({link.reason})" if link.reason else ""
    return (Cell(f"◌ connecting {model.identity.location}  try {link.tries}{wait}{reason}", "warning"),)


def _down(model: ClusterModel, now: float) -> Line:
    link = model.link
    as_of = figures.NOTHING if link.data_at is None else figures.clock(model.wall(link.data_at))
    return (
        Cell(f"✗ no broker {figures.seconds(now - link.since)}", "error"),
        Cell(f"  data as of {as_of}  actions off  ({link.reason})"),
    )


def _alive(model: ClusterModel, now: float, width: int) -> Line:
    link, events = model.link, model.events
    if link.back_at is not None and now - link.back_at < _TELL_RECONNECT:
        missed = f", {link.missed:,} events missed" if link.missed else ", no event missed"
        return (Cell("● live", "success"), Cell(f"  gap {figures.seconds(link.gap)}{missed}  ", "warning"))
    age = None if link.data_at is None else max(0.0, now - link.data_at)
    rtt = figures.UNKNOWN if link.rtt is None else f"{link.rtt * 1000:.0f}ms"
    rate = figures.rate(events.rate(now))
    late = age is None or age > 5.0
    if width >= _WIDE:
        return (
            Cell("● live", "warning" if late else ""),
            Cell(f"  age {figures.precise(age)}  rtt {rtt}  ev {rate}/s  "),
        )
    return (Cell("●", "warning" if late else ""), Cell(f" {figures.precise(age)}  rtt {rtt}  {rate}/s  "))


def header_line(model: ClusterModel, now: float, width: int, frozen: Frozen | None = None) -> Line:
    """Return the first line: name, badge, namespace, place, liveness, read-only or not, the time."""
    if frozen is not None:
        waiting = model.events.total - frozen.total
        state: Line = (
            Cell(f"# FROZEN {figures.seconds(now - frozen.since)}", "accent"),
            Cell(f"  {waiting:,} events waiting   [z] go on  "),
        )
    elif model.link.state is LinkState.LIVE:
        state = _alive(model, now, width)
    elif model.link.state is LinkState.DOWN:
        return _beside(model, _down(model, now), width)
    else:
        return _beside(model, _connecting(model, now), 0)
    return _beside(model, (*state, _mode(model, now), Cell(f"  {figures.clock(model.wall(now))}Z")), width)


def _beside(model: ClusterModel, state: Line, width: int) -> Line:
    return (*_who(model, width - sum(len(cell.text) for cell in state)), *state)


def _mode(model: ClusterModel, now: float) -> Cell:
    identity = model.identity
    if identity.armed_until is not None:
        return Cell(f"RW {math.ceil(max(0.0, identity.armed_until - now) / 60)}m", "warning")
    return Cell("RO", "warning") if identity.read_only else Cell("RW")


_CAUSES: Final = {"growing": "grows", "unserved": "has no worker", "old": "waits long"}


def _queue_verdict(model: ClusterModel, queue: QueueEntry, trouble: str, now: float) -> str:
    """Say what is wrong with a queue, the most telling first: if runs fail, why."""
    backlog, fails = f"backlog {figures.count(queue.backlog)}", _fails(model, queue, now)
    oldest = [f"oldest {figures.seconds(queue.stats.oldest_s)}"] if queue.stats.oldest_s is not None else []
    if trouble == "failing":
        return ", ".join([f"{queue.label}: {fails}", backlog, *oldest])
    inward, outward = queue.rates.inward, queue.rates.outward
    pace = 0.0 if trouble != "growing" or inward is None or outward is None else inward - outward
    cause = "stands still" if trouble == "growing" and pace <= 0 else _CAUSES[trouble]
    parts = [f"{queue.label}: {cause}", backlog]
    parts += [f"{pace * 60:+,.0f}/min"] if pace > 0 else []
    return ", ".join([*parts, *oldest, *([fails] if fails else [])])


def _fails(model: ClusterModel, queue: QueueEntry, now: float) -> str:
    """Say how many runs fail, which task of the queue does so most, and its error; empty if none fails."""
    if not queue.rates.errors:
        return ""
    share = f"{queue.rates.errors:.1f}% of runs fail"
    task = model.outcomes.worst(queue.name, now, _FAILED_LATELY)
    if task is None:
        return share
    error = task.why if len(task.why) <= _ERROR_SHOWN else f"{task.why[: _ERROR_SHOWN - 1]}…"
    return f"{share} ({task.name}: {error} [f])"


def _how_bad(troubled: tuple[QueueEntry, str]) -> tuple[float, float]:
    queue, _ = troubled
    return queue.stats.oldest_s or 0.0, queue.rates.errors or 0.0


def verdict_line(model: ClusterModel, now: float) -> Line:
    """Return the second line: what is wrong, in one sentence; empty when nothing is."""
    if model.link.state is not LinkState.LIVE:
        return ()
    for part, reason in model.problems.items():
        return (Cell(f" ▲ {part}: {reason}", "error"),)
    states = [worker.state(now) for worker in model.workers.values()]
    silent = [
        f"{states.count(state)} {state.value}" for state in (WorkerState.GONE, WorkerState.LATE) if state in states
    ]
    troubled = [(queue, trouble_of(queue)) for queue in model.queues.values()]
    worst = max((item for item in troubled if item[1]), key=_how_bad, default=None)
    parts = [_queue_verdict(model, *worst, now)] if worst else []
    more = sum(1 for _, trouble in troubled if trouble) - 1
    parts += [f"{more} more {'queue' if more == 1 else 'queues'}"] if more > 0 else []
    parts += [f"workers: {', '.join(silent)}"] if silent else []
    parts += model.warnings
    return (Cell(f" ▲ {' — '.join(parts)}", "warning"),) if parts else ()
