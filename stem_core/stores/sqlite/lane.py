"""A thread with a connection of its own, which carries out commands in transactions.

What waits when a transaction begins is put into it together. If it fails, each command is tried again alone, so that
one that cannot be done (no room, say) does not spoil the others.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeAlias, TypeVar

import apsw

from stem_core.clock import Clock
from stem_core.errors import BrokerUnavailableError, ConfigurationError, StemError, UsageError
from stem_core.stores.sqlite.connection import Opened, identity_of
from stem_core.stores.sqlite.ended import Ended
from stem_core.stores.sqlite.failures import translate
from stem_core.stores.sqlite.forking import ForkGate
from stem_core.stores.sqlite.transaction import Transaction

T = TypeVar("T")
Work: TypeAlias = Callable[[Transaction], T]

_MOST: Final = 64
_PATIENCE: Final = 10.0


class Command(Generic[T]):
    """Something to do, and whom to tell.

    Args:
        work: What to do. It may be done more than once, if a transaction fails.
        look: Reads, and returns the answer if there is nothing to write, else None.
        loop: Where the future belongs; None for one that a thread waits for.
    """

    __slots__ = ("answer", "error", "future", "look", "loop", "work")

    def __init__(self, work: Work[T], look: Work[T | None] | None, loop: asyncio.AbstractEventLoop | None) -> None:
        self.work = work
        self.look = look
        self.loop = loop
        self.future: asyncio.Future[T] | Future[T] = Future() if loop is None else loop.create_future()
        self.answer: Any = None
        self.error: Exception | None = None

    def tell(self) -> None:
        """Complete the future, in the thread that it belongs to."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.answer)


class Lane:
    """Carries out commands one transaction after the other. Belongs to the process that made it.

    Args:
        name: The thread's name.
        path: The file.
        begin: How a transaction begins.
        open_file: Opens a connection; called in the thread, again if another file lies at the path.
        clock: Source of time.
        on_commit: Called in the thread with the bells that were rung.
    """

    def __init__(
        self,
        name: str,
        path: str,
        begin: str,
        open_file: Callable[[], Opened],
        clock: Clock,
        on_commit: Callable[[set[str]], None],
    ) -> None:
        self._name = name
        self._path = path
        self._begin = begin
        self._open_file = open_file
        self._clock = clock
        self._on_commit = on_commit
        self._commands: SimpleQueue[Command[Any] | None] = SimpleQueue()
        self._opened: Opened | None = None
        self._queue_numbers: dict[str, int] = {}
        self._lock = threading.Lock()
        self._gate = ForkGate(self._drop)
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._ended: Ended | None = None
        self._was_open = False
        self._closed = False

    def call(self, work: Work[T], look: Work[T | None] | None = None) -> asyncio.Future[T]:
        """Have something done, from an event loop.

        Args:
            work: What to do.
            look: Reads, and returns the answer if there is nothing to write, else None.
        """
        command = Command(work, look, asyncio.get_running_loop())
        self._put(command)
        assert isinstance(command.future, asyncio.Future)  # noqa: S101 - since it was given a loop
        return command.future

    def call_in_thread(self, work: Work[T]) -> T:
        """Have something done, and wait for it, from any thread."""
        command = Command(work, None, None)
        self._put(command)
        assert isinstance(command.future, Future)  # noqa: S101 - since it was given no loop
        return command.future.result()

    def _put(self, command: Command[Any]) -> None:
        if os.getpid() != self._process:
            raise UsageError(
                f"the store at {self._path} was opened by another process", "connect anew in each process, after a fork"
            )
        with self._lock:
            if self._closed:
                raise BrokerUnavailableError(f"the store at {self._path} has been closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._commands.put(command)

    async def close(self) -> None:
        """Do what was given, and end the thread. Twice is once."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self._ended = Ended(loop)
            self._commands.put(None)
        await self._ended.wait(_PATIENCE)

    def _run(self) -> None:
        going_on = True
        while going_on:
            first = self._commands.get()
            batch = [] if first is None else [first]
            going_on = first is not None
            while going_on and len(batch) < _MOST:
                try:
                    following = self._commands.get_nowait()
                except Empty:
                    break
                if following is None:
                    going_on = False
                else:
                    batch.append(following)
            with self._gate:
                self._carry_out(batch)
        with self._gate:
            self._drop()
        if self._ended is not None:
            self._ended.tell()

    def _carry_out(self, batch: list[Command[Any]]) -> None:
        rung: set[str] = set()
        try:
            opened = self._connected()
            writing = [command for command in batch if not self._answered(command, opened)]
            if writing:
                rung = self._commit(writing, opened)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised to who waits
            failure = self._failure(error)
            for command in batch:
                command.error = failure
        _tell(batch)
        if rung:
            self._on_commit(rung)

    def _connected(self) -> Opened:
        """Return the connection; a new one if the file was removed or replaced, which a stale one would not notice."""
        if self._opened is not None and self._opened.identity == identity_of(self._path):
            return self._opened
        self._drop()
        self._opened = self._open_file()
        self._was_open = True
        return self._opened

    def _drop(self) -> None:
        opened, self._opened = self._opened, None
        self._queue_numbers.clear()
        if opened is not None:
            opened.connection.close()

    def _failure(self, error: Exception) -> StemError:
        if not isinstance(error, (apsw.BusyError, apsw.FullError, StemError)):
            self._drop()  # what went wrong with it is not known; the next batch gets another
        failure = translate(error, self._path)
        if self._was_open and isinstance(failure, ConfigurationError):
            # It was fit once. Who is at work already has to wait until it is again.
            return BrokerUnavailableError(failure.message, failure.hint)
        return failure

    def _answered(self, command: Command[Any], opened: Opened) -> bool:
        if command.look is None:
            return False
        command.answer = command.look(self._transaction(opened))
        return command.answer is not None

    def _transaction(self, opened: Opened) -> Transaction:
        return Transaction(opened.connection, opened.space, self._clock.time(), self._queue_numbers)

    def _commit(self, batch: list[Command[Any]], opened: Opened) -> set[str]:
        """Carry all out in one transaction; returns the bells that were rung in it."""
        connection = opened.connection
        connection.execute(self._begin)
        transaction = self._transaction(opened)
        try:
            for command in batch:
                command.answer = command.work(transaction)
            connection.execute("COMMIT")
        except Exception:
            self._queue_numbers.clear()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(batch) == 1:
                raise
            return self._one_by_one(batch, opened)
        return transaction.rung

    def _one_by_one(self, batch: list[Command[Any]], opened: Opened) -> set[str]:
        rung: set[str] = set()
        for command in batch:
            try:
                rung |= self._commit([command], opened)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised to who waits
                command.error = translate(error, self._path)
        return rung


def _tell(batch: list[Command[Any]]) -> None:
    loops: dict[asyncio.AbstractEventLoop | None, list[Command[Any]]] = {}
    for command in batch:
        loops.setdefault(command.loop, []).append(command)
    for loop, commands in loops.items():
        if loop is None:
            _tell_all(commands)
        elif not loop.is_closed():
            try:
                loop.call_soon_threadsafe(_tell_all, commands)
            except RuntimeError:  # it was closed just now, and with it all who waited
                continue


def _tell_all(commands: list[Command[Any]]) -> None:
    for command in commands:
        command.tell()
