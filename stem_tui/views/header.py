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


_CAUSES: Final = {"growing": "grows", "unserved": "has no worker", "failing": "fails", "old": "waits long"}


def _queue_verdict(queue: QueueEntry, trouble: str) -> str:
    inward, outward = queue.rates.inward, queue.rates.outward
    stands = trouble == "growing" and inward is not None and outward is not None and inward <= outward
    cause = "stands still" if stands else _CAUSES[trouble]
    parts = [f"{queue.label}: {cause}, backlog {figures.count(queue.backlog)}"]
    if trouble == "growing" and not stands and inward is not None and outward is not None:
        parts.append(f"{(inward - outward) * 60:+,.0f}/min")
    if queue.stats.oldest_s is not None:
        parts.append(f"oldest {figures.seconds(queue.stats.oldest_s)}")
    if queue.rates.errors:
        parts.append(f"{queue.rates.errors:.1f}% of runs fail")
    return ", ".join(parts)


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
    worst = max((item for item in troubled if item[1]), key=lambda item: item[0].stats.oldest_s or 0.0, default=None)
    parts = [_queue_verdict(*worst)] if worst else []
    more = sum(1 for _, trouble in troubled if trouble) - 1
    parts += [f"{more} more {'queue' if more == 1 else 'queues'}"] if more > 0 else []
    parts += [f"workers: {', '.join(silent)}"] if silent else []
    parts += model.warnings
    return (Cell(f" ▲ {' — '.join(parts)}", "warning"),) if parts else ()
