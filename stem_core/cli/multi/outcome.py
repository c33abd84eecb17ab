"""What became of a node, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stem_core.cli.multi.node import Node
from stem_core.cli.output import write_error, write_json, write_table
from stem_core.durations import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a node.

    Args:
        node: Which one.
        state: What it is now, in a word or two.
        good: Whether that is what was asked for.
        pid: Its process, if it runs or ran.
        uptime: Seconds since its start.
        rss: Resident memory of it and its children, in bytes.
        says: What there is to say about it.
    """

    node: Node
    state: str
    good: bool = True
    pid: int | None = None
    uptime: float | None = None
    rss: int | None = None
    says: str = ""


def show(outcomes: Sequence[Outcome], failed: str, *, as_json: bool) -> bool:
    """Print what became of nodes, and return whether all is as it was asked for.

    Args:
        outcomes: One for each node.
        failed: What to say of those that are not, for example `did not start`.
        as_json: Print JSON.
    """
    bad = [outcome for outcome in outcomes if not outcome.good]
    documents = [_document(outcome) for outcome in outcomes]
    if not as_json:
        write_table(["NODE", "STATE", "PID", "UP", "MEMORY", "LOG", ""], map(_row, outcomes), "no nodes")
    elif not bad:
        write_json(documents)
    if bad:
        names = ", ".join(outcome.node.name for outcome in bad)
        said = "; ".join(dict.fromkeys(outcome.says for outcome in bad if outcome.says))
        write_error(f"{names} {failed}", said or None, as_json=as_json, extra={"nodes": documents})
    return not bad


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "node": outcome.node.name,
        "state": outcome.state,
        "pid": outcome.pid,
        "uptime_s": None if outcome.uptime is None else round(outcome.uptime, 1),
        "rss": outcome.rss,
        "pidfile": str(outcome.node.pidfile),
        "logfile": str(outcome.node.logfile),
        "says": outcome.says,
    }


def _row(outcome: Outcome) -> tuple[object, ...]:
    uptime = None if outcome.uptime is None else format_duration(outcome.uptime)
    memory = None if outcome.rss is None else f"{outcome.rss / 1024**2:.0f}M"
    return outcome.node.name, outcome.state, outcome.pid, uptime, memory, outcome.node.logfile, outcome.says
