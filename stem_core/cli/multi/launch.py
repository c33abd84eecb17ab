"""Starting nodes: processes in sessions of their own, whose output goes to a log, and which nobody has to watch."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from stem_core.argv import ADDRESS_FLAGS, without_credentials
from stem_core.cli.multi import pidfile
from stem_core.cli.multi.logfile import last_line, lines
from stem_core.cli.multi.node import Node
from stem_core.cli.multi.outcome import Outcome
from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import StemError
from stem_core.text import visible

_POLL: Final = 0.05

_TELLING: Final = ({"worker", "boot"}, {"workers", "processes"}, {"error"})
"""Keys of the documents with which a worker begins; its log may hold JSON of other kinds."""

_left: Final[list[subprocess.Popen[bytes]]] = []
"""What was started lives on; forgetting it would be taken for an oversight."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How nodes are started.

    Args:
        words: What follows `stem`, with placeholders.
        environment: Variables beside this process's own.
        workdir: Where they run.
    """

    words: Sequence[str]
    environment: Mapping[str, str]
    workdir: Path

    def command(self, node: Node) -> tuple[list[str], dict[str, str]]:
        """Return a node's command line and environment. An address with a password is in the latter."""
        words, addresses = without_credentials([node.fill(word) for word in self.words], ADDRESS_FLAGS)
        own = {
            "STEM_WORKER_NODE": node.name,
            "STEM_WORKER_INDEX": str(node.index),
            pidfile.VARIABLE: str(node.pidfile),
            "STEM_WORKER_LOGFILE": str(node.logfile),
            "STEM_WORKER_HOST": socket.gethostname(),
        }
        return words, {**os.environ, **self.environment, **addresses, **own}


@dataclass(frozen=True, slots=True)
class _Started:
    node: Node
    process: subprocess.Popen[bytes]
    log_from: int


def start(nodes: Sequence[Node], plan: Plan, patience: float) -> list[Outcome]:
    """Start nodes that do not run, all at once, and return once each is ready or has failed.

    Args:
        nodes: Which ones.
        plan: How.
        patience: Seconds to wait for them.
    """
    end = SYSTEM_CLOCK.monotonic() + patience
    launched = [_launch(node, plan) for node in nodes]
    return [each if isinstance(each, Outcome) else _await_ready(each, end) for each in launched]


def _launch(node: Node, plan: Plan) -> _Started | Outcome:
    try:
        return _launched(node, plan)
    except StemError as error:
        return Outcome(node=node, state="failed", good=False, says=str(error))


def _launched(node: Node, plan: Plan) -> _Started | Outcome:
    recorded = pidfile.read(node.pidfile)
    running = pidfile.living(node.pidfile, recorded)
    if running is not None:
        return Outcome(node=node, state="running", pid=running.pid, says="it ran already")
    if recorded is not None:
        pidfile.remove(node.pidfile, recorded)
    words, environment = plan.command(node)
    try:
        node.logfile.parent.mkdir(parents=True, exist_ok=True)
        with node.logfile.open("ab") as log:
            log_from = log.tell()
            process = subprocess.Popen(  # noqa: S603 - this program itself, without a shell
                [sys.executable, "-m", "stem_core", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=plan.workdir,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        raise StemError(
            f"cannot start {node.name}: {error.filename}: {error.strerror}", "see --logfile, --workdir"
        ) from error
    _left.append(process)
    try:
        if pidfile.write(node.pidfile, psutil.Process(process.pid)):
            return _Started(node, process, log_from)
        says = "somebody else is starting it at this moment"
    except StemError as error:
        says = str(error)
    except psutil.NoSuchProcess:
        return _Started(node, process, log_from)  # it has ended already, which its log may explain
    # Without a pid file nobody would ever find it again.
    process.kill()
    process.wait()
    return Outcome(node=node, state="failed", good=False, says=says)


def _await_ready(started: _Started, end: float) -> Outcome:
    node, process = started.node, started.process
    while True:
        code = process.poll()
        document = _said(started)
        if code is not None:
            recorded = pidfile.read(node.pidfile)
            if recorded is not None and recorded.pid == process.pid:
                pidfile.remove(node.pidfile, recorded)
            return Outcome(
                node=node, state="failed", good=False, pid=process.pid, says=_reason(started, document, code)
            )
        if document and "error" not in document:
            return Outcome(node=node, state="ready", pid=process.pid, says=_names(document))
        if SYSTEM_CLOCK.monotonic() >= end:
            says = f"not ready in time, but running: {last_line(node.logfile, started.log_from) or 'its log is empty'}"
            return Outcome(node=node, state="starting", good=False, pid=process.pid, says=says)
        time.sleep(_POLL)


def _said(started: _Started) -> dict[str, Any]:
    """Return the document in which a worker says that it is ready, or why it is not; empty if it has not yet."""
    for line in lines(started.node.logfile, started.log_from):
        if line.startswith(b'{"'):
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if isinstance(document, dict) and any(keys <= document.keys() for keys in _TELLING):
                return document
    return {}


def _names(document: dict[str, Any]) -> str:
    workers = document.get("workers") or [document]
    return visible(", ".join(str(each.get("worker")) for each in workers))


def _reason(started: _Started, document: dict[str, Any], code: int) -> str:
    error = document.get("error")
    if isinstance(error, dict):
        return visible(": ".join(str(part) for part in (error.get("message"), error.get("hint")) if part))
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return f"{how}; last in its log: {last_line(started.node.logfile, started.log_from) or 'nothing'}"
