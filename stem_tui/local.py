"""Worker processes of this console: started, listened to, stopped, and never left behind."""

from __future__ import annotations

import asyncio
import atexit
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from stem_core.clock import Clock
from stem_core.commands import ShutdownMode
from stem_core.config import StemConfig
from stem_core.service import spawn
from stem_tui.store import ClusterModel, LocalState, LocalWorker

MAX_LINE: Final = 4096
MAX_EXITED: Final = 20
WARM_GRACE: Final = 5.0
HARD_GRACE: Final = 2.0
_SIGNALS: Final = {
    ShutdownMode.WARM: signal.SIGTERM,
    ShutdownMode.SOFT: signal.SIGINT,
    ShutdownMode.HARD: signal.SIGQUIT,
}


class LocalWorkers:
    """The worker processes that this console started.

    Each is the leader of a session of its own, so that a ctrl+c at the console does not reach it. Addresses of brokers
    go by environment, not by arguments, so that no password shows in a list of processes.

    Args:
        model: Where they are shown.
        config: Broker, result backend and namespace that they get.
        clock: Stamps their lines.
        environ: Their environment otherwise.
    """

    def __init__(
        self, model: ClusterModel, config: StemConfig, clock: Clock, environ: Mapping[str, str] | None = None
    ) -> None:
        self._model = model
        self._config = config
        self._clock = clock
        self._environ = dict(os.environ if environ is None else environ)
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._followers: dict[str, asyncio.Task[object]] = {}
        self._number = 0

    def command(self, app: str, queues: tuple[str, ...], concurrency: int | None, key: str) -> list[str]:
        """Return the command line of a worker."""
        words = [sys.executable, "-m", "stem_core", "worker", "start", "--app", app]
        for queue in queues:
            words += ["--queue", queue]
        if concurrency is not None:
            words += ["--concurrency", str(concurrency)]
        return [*words, "--worker-id", key, "--namespace", self._config.namespace]

    def _environment(self) -> dict[str, str]:
        environ = dict(self._environ)
        environ["PYTHONUNBUFFERED"] = "1"
        environ["STEM_BROKER_URL"] = self._config.broker_url
        if self._config.result_backend_url is not None:
            environ["STEM_RESULT_BACKEND_URL"] = self._config.result_backend_url
        tls = self._config.tls
        places = {
            "STEM_TLS_CA_CERT": tls.ca_cert,
            "STEM_TLS_CLIENT_CERT": tls.client_cert,
            "STEM_TLS_CLIENT_KEY": tls.client_key,
            "STEM_TLS_ALLOW_INSECURE": "true" if tls.allow_insecure else None,
        }
        return environ | {variable: place for variable, place in places.items() if place is not None}

    def next_key(self) -> str:
        """Return the id of the next worker."""
        self._number += 1
        return f"local-{os.getpid()}-{self._number}"

    async def start(self, app: str, queues: tuple[str, ...], concurrency: int | None) -> LocalWorker:
        """Start a worker process.

        Args:
            app: Where its tasks are, `module:attribute`.
            queues: Queues it serves; empty for its own default.
            concurrency: Its slots; None for its own default.

        Raises:
            OSError: The process could not be started.
        """
        key = self.next_key()
        words = self.command(app, queues, concurrency, key)
        shown = shlex.join(["stem", *words[3:]])
        worker = LocalWorker(key, app, queues, concurrency, shown, self._clock.time())
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment(),
            start_new_session=True,
        )
        atexit.register(_kill_group, process.pid, process)
        worker.pid, worker.state = process.pid, LocalState.RUNNING
        self._model.local[key] = worker
        self._processes[key] = process
        self._followers[key] = spawn(self._follow(worker, process), f"console-local-{key}")
        self._forget_old()
        self._model.touch()
        return worker

    async def _follow(self, worker: LocalWorker, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        rest = b""
        while chunk := await process.stdout.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._write(worker, line)
            if len(rest) > MAX_LINE:
                self._write(worker, rest)
                rest = b""
        if rest:
            self._write(worker, rest)
        worker.exit_code = await process.wait()
        worker.ended_at = self._clock.time()
        worker.state = LocalState.EXITED
        atexit.unregister(_kill_group)
        for other in self._processes.values():
            if other.returncode is None:
                atexit.register(_kill_group, other.pid, other)
        self._model.touch()

    def _write(self, worker: LocalWorker, line: bytes) -> None:
        worker.write(line[:MAX_LINE].decode("utf-8", "replace").rstrip("\r"), self._clock.time())
        self._model.touch()

    def _forget_old(self) -> None:
        exited = [key for key, worker in self._model.local.items() if not worker.is_alive]
        for key in exited[: max(0, len(exited) - MAX_EXITED)]:
            del self._model.local[key], self._processes[key], self._followers[key]

    def stop(self, key: str, mode: ShutdownMode = ShutdownMode.WARM) -> bool:
        """Tell a worker process to end; False if there is none that lives."""
        process, worker = self._processes.get(key), self._model.local.get(key)
        if process is None or worker is None or process.returncode is not None:
            return False
        worker.state = LocalState.STOPPING
        worker.stop_asked_at = self._clock.time()
        with suppress(ProcessLookupError):  # it ended by itself just now
            process.send_signal(_SIGNALS[mode])
        self._model.touch()
        return True

    @property
    def alive(self) -> list[str]:
        """Ids of workers that have not ended."""
        return [key for key, worker in self._model.local.items() if worker.is_alive]

    async def close(self) -> None:
        """End all: warm first, hard after a grace, killed with all their children in the end."""
        for mode, grace in ((ShutdownMode.WARM, WARM_GRACE), (ShutdownMode.HARD, HARD_GRACE)):
            for key in self.alive:
                self.stop(key, mode)
            await self._wait(grace)
        for key in self.alive:
            _kill_group(self._processes[key].pid, self._processes[key])
        await self._wait(HARD_GRACE)

    async def _wait(self, grace: float) -> None:
        living = [self._followers[key] for key in self.alive]
        if living:
            await asyncio.wait(living, timeout=grace)


def _kill_group(pid: int, process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
