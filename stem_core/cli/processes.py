"""`stem worker start --processes N`: N worker processes, watched over, and started again when they die."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeAlias

from stem_core.cli.exit_codes import INTERRUPTED, USAGE
from stem_core.cli.output import write_json
from stem_core.cli.service_manager import ServiceManager
from stem_core.errors import ConfigurationError, StemError
from stem_core.service import Backoff, cancel, spawn
from stem_core.text import visible

log: Final = logging.getLogger("stem.supervisor")

Command: TypeAlias = tuple[list[str], dict[str, str] | None]

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
MOST_EARLY: Final = 5
"""Deaths in a row before a worker was ready, after which nothing is to be hoped for."""
_LEAST_PAUSE: Final = 0.1
_MOST_PAUSE: Final = 30.0
_SETTLED: Final = 10.0
_UNREAD: Final = 0.05


class Supervisor:
    """Runs worker processes until all have ended in order, or one cannot be brought up.

    Each leads a session of its own, so that an interrupt from the keyboard reaches it once, through here.

    Args:
        commands: For each process, the words of its command line, and its environment; None for this process's own.
        as_json: Print one document once all are ready.
    """

    def __init__(self, commands: Sequence[Command], *, as_json: bool) -> None:
        self._commands = commands
        self._as_json = as_json
        self._living: dict[int, asyncio.subprocess.Process] = {}
        self._ready: dict[int, dict[str, Any]] = {}
        self._all_ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._sent: set[int] = set()
        self._failure: StemError | None = None

    async def run(self) -> int:
        """Return 0 once all have ended in order.

        Raises:
            StemError: One cannot be brought up, or one did not end in order.
        """
        manager = ServiceManager.from_environment()
        with forwarded(self.forward):
            telling = spawn(self._tell(manager), "systemd")
            keepers = [spawn(self._keep(number), f"process-{number}") for number in range(1, len(self._commands) + 1)]
            try:
                await asyncio.gather(*keepers)
            finally:
                self.forward(signal.SIGTERM)
                await cancel(*keepers, telling)
        if self._failure is not None:
            raise self._failure
        return 0

    def forward(self, number: signal.Signals) -> None:
        """Hand a signal to all processes, and start none again."""
        self._stop.set()
        self._sent.add(number)
        for process in self._living.values():
            with suppress(ProcessLookupError):
                process.send_signal(number)

    async def _keep(self, number: int) -> None:
        backoff, early, loop = Backoff(_LEAST_PAUSE, _MOST_PAUSE), 0, asyncio.get_running_loop()
        while not self._stop.is_set():
            began = loop.time()
            worker = _Worker(number)
            code = await self._lived(worker)
            if code == 0 or self._stop.is_set():
                self._judge(number, code)
                return
            early = 0 if worker.ready else early + 1
            if early == MOST_EARLY or (code == USAGE and not worker.ready):
                self._give_up(worker, code)
                return
            if loop.time() - began > _SETTLED:
                backoff.reset()
            pause = backoff.next()
            log.error("worker process %d %s; it is started again in %.1f s", number, _ended(code), pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _lived(self, worker: _Worker) -> int:
        process = await worker.start(*self._commands[worker.number - 1])
        self._living[worker.number] = process
        for number in self._sent:  # what came while it was being started
            process.send_signal(number)
        reading = spawn(self._read(worker), f"output-{worker.number}")
        try:
            code = await process.wait()
            # Its last words are in the pipe; whoever it has started may hold the pipe open for longer.
            await asyncio.wait([reading], timeout=1.0)
        finally:
            self._living.pop(worker.number, None)
            await cancel(reading)
            worker.close()
        return code

    async def _read(self, worker: _Worker) -> None:
        document = await worker.first_document()
        if worker.ready:
            log.info("worker process %d is ready: %s", worker.number, visible(str(document["worker"]), 200))
            self._ready[worker.number] = document
            if len(self._ready) == len(self._commands) and not self._all_ready.is_set():
                self._all_ready.set()
                if self._as_json:
                    workers = [self._ready[key] for key in sorted(self._ready)]
                    with suppress(OSError):  # whoever wanted to know has gone; the workers stay
                        write_json({"processes": len(self._commands), "workers": workers})
        await worker.relay(sys.stderr if self._as_json else sys.stdout)

    async def _tell(self, manager: ServiceManager) -> None:
        await self._all_ready.wait()
        async with manager.told(lambda: f"{len(self._living)} of {len(self._commands)} worker processes run"):
            await asyncio.get_running_loop().create_future()  # until this is cancelled

    def _judge(self, number: int, code: int) -> None:
        interrupted = -code in self._sent or (code == INTERRUPTED and signal.SIGINT in self._sent)
        if code != 0 and not interrupted and self._failure is None:
            self._failure = StemError(f"worker process {number} did not end cleanly: it {_ended(code)}")

    def _give_up(self, worker: _Worker, code: int) -> None:
        said = worker.document.get("error") or {}
        text = said.get("message") or f"it {_ended(code)}, {MOST_EARLY} times before it was ready"
        kind = ConfigurationError if code == USAGE else StemError
        self._failure = kind(
            f"worker process {worker.number} does not start: {text}", said.get("hint") or "see its output above"
        )
        self.forward(signal.SIGTERM)


class _Worker:
    """One start of one worker process.

    Args:
        number: Which of the processes it is.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.document: dict[str, Any] = {}
        self._reader = asyncio.StreamReader()
        self._output: asyncio.ReadTransport | None = None

    @property
    def ready(self) -> bool:
        """Whether it has said that it fetches."""
        return "worker" in self.document

    async def start(self, words: list[str], environment: dict[str, str] | None) -> asyncio.subprocess.Process:
        read, write = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "stem_core.cli.supervised", *words),
                stdin=asyncio.subprocess.PIPE,
                stdout=write,
                env=environment,
                start_new_session=True,
            )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        self._output, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), os.fdopen(read, "rb", 0)
        )
        return process

    async def first_document(self) -> dict[str, Any]:
        """Return what it says first: that it is ready, or why it is not."""
        with suppress(ValueError):
            document = json.loads(await self._reader.readline() or b"{}")
            self.document = document if isinstance(document, dict) else {}
        return self.document

    async def relay(self, to: Any) -> None:
        """Pass on what its tasks print, as long as somebody takes it; the worker must not wait for that."""
        while data := await self._reader.read(select.PIPE_BUF):
            with suppress(OSError, ValueError):
                await _room(to)
                to.buffer.write(data)
                to.flush()

    def close(self) -> None:
        if self._output is not None:
            self._output.close()


async def _room(stream: Any) -> None:
    """Return once a few bytes can be written without waiting: a reader that sleeps must not keep the supervisor."""
    while not select.select([], [stream], [], 0)[1]:  # noqa: ASYNC110 - the loop can watch pipes, but not files
        await asyncio.sleep(_UNREAD)


@contextmanager
def forwarded(forward: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Hand the signals that end a process on, inside the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, forward, number)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
