"""A child process from its start to its end. Workers run it: `python -m stem_core.worker.children.program FD`."""

from __future__ import annotations

import asyncio
import faulthandler
import io
import os
import socket
import sys

from stem_core.client.app import load_app
from stem_core.client.stem import Stem
from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import StemError
from stem_core.events import WorkerChildInit, WorkerChildShutdown
from stem_core.logs import TaskLogging, log_to_stderr
from stem_core.signals import StemSignals
from stem_core.worker.children.interrupts import leave_signals_to_worker
from stem_core.worker.children.messages import Ready, Setup, Unable
from stem_core.worker.children.orphans import become_child
from stem_core.worker.children.session import Session
from stem_core.worker.children.wire import Wire

_STDOUT, _STDERR = 1, 2


def main(descriptor: int) -> int:
    """Serve the worker at the other end of this socket.

    Returns:
        The exit code.
    """
    become_child()
    leave_signals_to_worker()
    faulthandler.enable()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    wire = Wire(socket.socket(fileno=descriptor))
    messages = wire.messages()
    setup = next(messages, None)
    if not isinstance(setup, Setup):
        return 1
    try:
        app = _app(setup)
    except StemError as error:
        wire.send(Unable(error.message, error.hint))
        return 1
    _tell(WorkerChildInit(SYSTEM_CLOCK.time(), setup.worker, os.getpid()))
    # Until here the worker has read along, to show the last line of a child that fails to start.
    sys.stderr.flush()
    os.dup2(_STDOUT, _STDERR)
    wire.send(Ready(tuple(app.registry.names())))
    Session(wire, app, setup).serve(messages)
    _tell(WorkerChildShutdown(SYSTEM_CLOCK.time(), setup.worker, os.getpid()))
    return 0


def _app(setup: Setup) -> Stem:
    sys.path[:] = setup.paths
    if setup.log_level is not None:
        log_to_stderr(setup.log_level, as_json=setup.log_json, worker=setup.worker)
    app = load_app(setup.app, "app")
    if setup.log_json:
        app.middleware.insert(0, TaskLogging())
    if setup.config is not None and setup.config != app.config:
        app.use(setup.config)
    return app


def _tell(event: WorkerChildInit | WorkerChildShutdown) -> None:
    """Tell listeners that the app has registered in this process."""
    if StemSignals.listening(type(event)):
        asyncio.run(StemSignals.emit(event))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
