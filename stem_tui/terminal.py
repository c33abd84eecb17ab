"""The terminal below the console, which may go away at any moment: a window is closed, a connection lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


class TerminalDriver(LinuxDriver):
    """Textual's own driver, but the console ends when its terminal is gone.

    Textual writes in a thread, which dies of the first error; once its queue is full, whoever writes waits for ever.

    Args:
        app: The app.
        options: See `LinuxDriver`.
    """

    def __init__(self, app: App[object], **options: Any) -> None:
        super().__init__(app, **options)
        if self._file is not None:
            output = _Output(self._file, lambda: app.call_later(app.exit, 0))
            self._file = cast("Any", output)


class _Output:
    """What is written to the terminal; nothing any more, once that is gone."""

    def __init__(self, file: IO[str], on_gone: Callable[[], object]) -> None:
        self._file = file
        self._on_gone = on_gone
        self._is_gone = False

    def write(self, text: str) -> None:
        self._attempt(lambda: self._file.write(text))

    def flush(self) -> None:
        self._attempt(self._file.flush)

    def fileno(self) -> int:
        return self._file.fileno()

    def _attempt(self, write: Callable[[], object]) -> None:
        if self._is_gone:
            return
        try:
            write()
        except OSError:
            self._is_gone = True
            self._on_gone()
