"""Looking at nodes that run, and ending them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import psutil

from stem_core.cli.multi import pidfile
from stem_core.cli.multi.logfile import last_line
from stem_core.cli.multi.node import Node
from stem_core.cli.multi.outcome import Outcome
from stem_core.clock import SYSTEM_CLOCK

_POLL: Final = 0.05
_KILLED_WITHIN: Final = 5.0


def look(node: Node) -> Outcome:
    """Return whether a node runs.

    Raises:
        StemError: Its pid file cannot be read.
    """
    recorded = pidfile.read(node.pidfile)
    process = pidfile.living(node.pidfile, recorded)
    if process is None:
        return Outcome(node=node, state="down", good=False, says="" if recorded is None else _stale(node, recorded))
    try:
        uptime = SYSTEM_CLOCK.time() - process.create_time()
        rss = sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
    except psutil.Error:
        return Outcome(node=node, state="running", pid=process.pid)
    return Outcome(node=node, state="running", pid=process.pid, uptime=max(uptime, 0.0), rss=rss)


def stop(nodes: Sequence[Node], patience: float) -> list[Outcome]:
    """Let nodes finish what they run, and end; after a time, kill them.

    Args:
        nodes: Which ones.
        patience: Seconds that they get.

    Raises:
        StemError: A pid file cannot be read.
    """
    recorded = {node.name: pidfile.read(node.pidfile) for node in nodes}
    living = {node.name: pidfile.living(node.pidfile, recorded[node.name]) for node in nodes}
    running = {name: process for name, process in living.items() if process is not None}
    refused = {
        node.name: why
        for node in nodes
        if node.name in running and (why := _refusal(node, recorded[node.name], running[node.name]))
    }
    _wait([process for name, process in running.items() if name not in refused], patience)
    outcomes = []
    for node in nodes:
        process, record = running.get(node.name), recorded[node.name]
        if process is None:
            says = "it did not run" if record is None else "it did not run; its stale pid file is removed"
            outcome = Outcome(node=node, state="down", says=says)
        elif node.name in refused:
            outcome = Outcome(node=node, state="running", good=False, pid=process.pid, says=refused[node.name])
        else:
            outcome = _ended(node, process, patience)
        if outcome.good and record is not None:
            pidfile.remove(node.pidfile, record)
        outcomes.append(outcome)
    return outcomes


def _stale(node: Node, recorded: pidfile.Recorded) -> str:
    if pidfile.living(node.pidfile, pidfile.Recorded(recorded.pid, 0.0)) is not None:
        return f"its pid file is stale: process {recorded.pid} is another one now"
    # It may have been drained by a command, or been killed: what it said last tells.
    return f"its process {recorded.pid} is gone; last in its log: {last_line(node.logfile) or 'nothing'}"


def _ended(node: Node, process: psutil.Process, patience: float) -> Outcome:
    if not pidfile.is_alive(process):
        return Outcome(node=node, state="stopped", pid=process.pid)
    family = [process]
    with suppress(psutil.Error):
        family += process.children(recursive=True)
    for each in family:
        with suppress(psutil.Error):
            each.kill()
    _wait(family, _KILLED_WITHIN)
    if pidfile.is_alive(process):
        return Outcome(node=node, state="running", good=False, pid=process.pid, says="not even SIGKILL ended it")
    says = f"it did not end within {patience:g} s of SIGTERM, so it was killed; what it ran will run again"
    return Outcome(node=node, state="killed", pid=process.pid, says=says)


def _refusal(node: Node, recorded: pidfile.Recorded | None, process: psutil.Process) -> str:
    """Ask a process to end, and return why it was not asked; empty if it was, or is gone."""
    if recorded is None or not pidfile.is_certain(node.pidfile, recorded, process):
        return f"{node.pidfile} does not say when process {process.pid} started, so it may be any: end it by hand"
    try:
        process.terminate()
    except psutil.NoSuchProcess:
        return ""
    except psutil.AccessDenied:
        return "it belongs to somebody else"
    return ""


def _wait(processes: Sequence[psutil.Process], patience: float) -> None:
    # Not psutil's own waiting, which in a container where nobody collects the dead takes them for alive.
    end = SYSTEM_CLOCK.monotonic() + patience
    while any(map(pidfile.is_alive, processes)) and SYSTEM_CLOCK.monotonic() < end:
        time.sleep(_POLL)
