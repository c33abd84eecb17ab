"""One child process, as its worker sees it: started, spoken to, killed, and always reaped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import msgspec

from stem_core.errors import ChildDiedError, ChildStartError
from stem_core.service import spawn
from stem_core.worker.children.messages import (
    Began,
    Ended,
    FromChild,
    Leave,
    Progress,
    Ready,
    Run,
    Setup,
    ToChild,
    Unable,
    Unpacker,
    decode_from_child,
    pack,
)
from stem_core.worker.children.output import StartOutput, stderr_of_worker
from stem_core.worker.core import log

START_TIMEOUT: Final = 60.0
LEAVE_GRACE: Final = 2.0
_LAST_BYTES: Final = 1.0
_PROGRAM: Final = "stem_core.worker.children.program"


class ChildProcess(asyncio.Protocol):
    """A child process, at most one task at a time.

    It leads a process group of its own, so that no signal meant for the worker hits it, and so that whatever its tasks
    have started is killed with it.

    Args:
        process: As started.
        output: What it says while it starts.

    Attributes:
        pid: Its process id.
        busy: Whether it was given a task that has not ended.
        task: Id of that task.
        tasks: Tasks that it has ended.
        rss: Its resident memory in bytes after the last of them.
        names: Tasks that it knows.
        on_progress: Told how far the task is.
        on_end: Called once the process is gone.
    """

    def __init__(self, process: asyncio.subprocess.Process, output: StartOutput) -> None:
        self.pid = process.pid
        self.busy = False
        self.task = ""
        self.tasks = 0
        self.rss = 0
        self.names: tuple[str, ...] = ()
        self.on_progress: Callable[[Progress], None] | None = None
        self.on_end: Callable[[ChildProcess], None] | None = None
        self._process = process
        self._output = output
        self._unpacker = Unpacker()
        self._transport: asyncio.WriteTransport | None = None
        self._silent = asyncio.Event()
        self._answer: asyncio.Future[FromChild] | None = None
        self._began = False
        self._leaving = False
        self._watch = spawn(self._until_gone(), f"child-{process.pid}")

    @classmethod
    async def start(cls, setup: Setup) -> ChildProcess:
        """Start one, and return once it has its app.

        Raises:
            ChildStartError: It does not come up; the message has its own words.
        """
        ours, theirs = socket.socketpair()
        output = StartOutput()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", _PROGRAM, str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stderr_of_worker(),
                stderr=output.write_end,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except BaseException as error:
            ours.close()
            output.close()
            if isinstance(error, OSError):
                raise ChildStartError(f"no child process can be started: {error}") from error
            raise
        finally:
            theirs.close()
            os.close(output.write_end)
        child = cls(process, output)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await output.read()
                await asyncio.get_running_loop().create_unix_connection(lambda: child, sock=ours)
                await child._get_ready(setup)
        except BaseException as error:
            if child._transport is None:
                ours.close()
                child._silent.set()
            child.kill()
            await child.gone()
            if isinstance(error, TimeoutError):
                raise ChildStartError(
                    f"a child process was not ready within {START_TIMEOUT:g} s", output.last_line() or None
                ) from error
            raise
        return child

    async def _get_ready(self, setup: Setup) -> None:
        try:
            answer = await self._ask(setup)
        except ChildDiedError as error:
            said = self._output.last_line()
            raise ChildStartError(
                f"a child process for the app {setup.app} ended before it was ready: {error.message}",
                f"it last said: {said}" if said else "it said nothing",
            ) from error
        if not isinstance(answer, Ready):
            unable = answer if isinstance(answer, Unable) else Unable("it speaks nonsense", None)
            raise ChildStartError(f"a child process cannot load the app: {unable.message}", unable.hint)
        self.names = answer.tasks
        self.busy = False

    @property
    def alive(self) -> bool:
        """Whether it may be given a task."""
        return not (self._leaving or self._silent.is_set() or self._watch.done())

    @property
    def began(self) -> bool:
        """Whether it took the task that it was given last."""
        return self._began

    async def run(self, run: Run) -> Ended:
        """Let it run a task.

        Raises:
            ChildDiedError: It died first; `began` tells whether it had taken the task.
        """
        self.task = run.id
        answer = await self._ask(run)
        if isinstance(answer, Ready | Unable | Began | Progress) or answer.id != run.id:
            self.kill()
            raise ChildDiedError(f"the child process (pid {self.pid}) spoke nonsense and was killed")
        self.tasks += 1
        self.rss = answer.rss
        self.busy, self.task = False, ""
        return answer

    async def _ask(self, message: Setup | Run) -> FromChild:
        self.busy, self._began = True, False
        self._answer = asyncio.get_running_loop().create_future()
        if self._watch.done():
            raise ChildDiedError(f"the child process (pid {self.pid}) is gone")
        self.send(message)
        try:
            return await self._answer
        finally:
            self._answer = None

    def send(self, message: ToChild) -> None:
        """Say something to it, if it still listens."""
        if self._transport is not None and not self._silent.is_set():
            self._transport.write(pack(message))

    def leave(self) -> None:
        """Let it end in order; if it does not in time, it is killed."""
        self._leaving = True
        self.send(Leave())
        asyncio.get_running_loop().call_later(LEAVE_GRACE, self.kill)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal it, and whatever its task has started."""
        if number is signal.SIGKILL:
            self._leaving = True
        if not self._watch.done():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def gone(self) -> None:
        """Return once the process has ended and was reaped."""
        await asyncio.wait([self._watch])

    async def _until_gone(self) -> None:
        code = await self._process.wait()
        # What its task started must not outlive it either.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._silent.wait(), _LAST_BYTES)
        cause = f"the child process (pid {self.pid}) {how_it_ended(code)}"
        if self.busy and self._began:
            cause += " while it ran the task"
        self._fail(ChildDiedError(cause, "perhaps there was no memory left" if code == -signal.SIGKILL else None))
        if not self._leaving:
            log.warning("%s", cause)
        if self._transport is not None:
            self._transport.abort()
        self._output.close()
        if self.on_end is not None:
            self.on_end(self)

    def _fail(self, error: ChildDiedError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the way to it."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's are not derived from it

    def data_received(self, data: bytes) -> None:
        """Hear it."""
        try:
            for body in self._unpacker.feed(data):
                self._hear(decode_from_child(body))
        except (ValueError, msgspec.MsgspecError) as error:
            log.error("the child process (pid %d) spoke nonsense and is killed: %s", self.pid, error)
            self.kill()

    def _hear(self, message: FromChild) -> None:
        match message:
            case Began():
                self._began = True
            case Progress():
                if self.on_progress is not None:
                    self.on_progress(message)
            case _:
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that no more will come. Without its socket a process is of no use, so it gets a moment to end."""
        self._silent.set()
        if not self._watch.done():
            asyncio.get_running_loop().call_later(_LAST_BYTES, self.kill)


def how_it_ended(code: int) -> str:
    """Return an exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
