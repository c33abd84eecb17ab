"""`stem worker start --reload`: a worker process that is started again when the app's files change. For development."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from stem_core.cli.processes import forwarded
from stem_core.clock import SYSTEM_CLOCK
from stem_core.service import cancel, spawn
from stem_core.text import visible

log: Final = logging.getLogger("stem.reload")
_PAUSE: Final = 0.3
Stamps: TypeAlias = dict[str, tuple[int, int]]


class Reloader:
    """Runs one worker process after the other, until it is told to stop.

    A change ends the process warm: it finishes what it runs. One that does not come up, as with a syntax error in the
    app, has said so in one line; the next change starts it again.

    Args:
        app: `package.module:attribute`; the Python files of that package, or beside that module, are watched.
        words: The command line of the worker.
    """

    def __init__(self, app: str, words: list[str]) -> None:
        self._files = AppFiles(app.partition(":")[0])
        self._words = words
        self._stop = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._sent: list[signal.Signals] = []

    async def run(self) -> int:
        """Return 0 once it was told to stop and the worker has ended."""
        log.info("watching %s", visible(self._files.shown, 300))
        stop = spawn(self._stop.wait(), "reload-stop")
        try:
            with forwarded(self.forward):
                while not self._stop.is_set():
                    await self._live(stop)
        finally:
            await cancel(stop)
        return 0

    def forward(self, number: signal.Signals) -> None:
        """Hand a signal to the worker, and start none again."""
        self._stop.set()
        self._sent.append(number)
        self._send(number)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _live(self, stop: asyncio.Task[object]) -> None:
        """Run one worker process to its end, and wait for the next change if it did not end in order."""
        before = await asyncio.to_thread(self._files.stamps)
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "stem_core.cli.supervised", *self._words),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
            # Compiled files are told apart by seconds, and a file may well be saved twice in one.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        for number in self._sent:  # what came while it was being started
            self._send(number)
        ended = spawn(process.wait(), "reload-worker")
        changed = spawn(self._changed(before), "reload-watch")
        try:
            await asyncio.wait({ended, changed, stop}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and process.returncode == 0:
                self._stop.set()  # somebody has shut it down
            elif ended.done() and not stop.done():
                log.warning("the worker ended with exit code %d; waiting for a change", process.returncode)
                await asyncio.wait({changed, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done() and not stop.done():
                self._send(signal.SIGTERM)
            await asyncio.wait({ended})
        finally:
            self._process = None
            await cancel(changed, ended)

    async def _changed(self, before: Stamps) -> None:
        stamps, earlier = before, before
        while stamps == before or stamps != earlier:  # until whoever changes them has come to rest
            await SYSTEM_CLOCK.sleep(_PAUSE)
            stamps, earlier = await asyncio.to_thread(self._files.stamps), stamps
        names = sorted(name for name in stamps.keys() | before.keys() if stamps.get(name) != before.get(name))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        log.info("%s%s changed: the worker is started again", visible(names[0], 300), more)


class AppFiles:
    """The Python files of an app, found without importing it.

    Args:
        module: Its module; all of its top-level package is watched, or the files beside it if it is in none.
    """

    def __init__(self, module: str) -> None:
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        try:
            spec = importlib.util.find_spec(module.partition(".")[0])
        except (ImportError, ValueError):
            spec = None
        packages = [] if spec is None else list(spec.submodule_search_locations or ())
        beside = here if spec is None or not spec.origin else str(Path(spec.origin).parent)
        self._pattern = "**/*.py" if packages else "*.py"
        self._roots = [Path(each) for each in packages or [beside]]

    @property
    def shown(self) -> str:
        """Where they are."""
        return ", ".join(str(root / self._pattern) for root in self._roots)

    def stamps(self) -> Stamps:
        """Return when each was last written, in nanoseconds, and its size."""
        found: Stamps = {}
        for root in self._roots:
            for path in root.glob(self._pattern):
                with suppress(OSError):  # it may be gone again
                    state = path.stat()
                    found[str(path)] = state.st_mtime_ns, state.st_size
        return found
