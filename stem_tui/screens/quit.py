"""Asking before the console takes its own workers down with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from stem_core.text import visible
from stem_tui.screens.dialog import Dialog, block
from stem_tui.views.cells import Cell
from stem_tui.widgets.lines import PushButton


class QuitDialog(Dialog[bool]):
    """Asks whether to stop local workers and leave.

    Args:
        workers: Ids of those that run.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", "previous", show=False),
        Binding("right", "app.focus_next", "next", show=False),
    ]

    def __init__(self, workers: Sequence[str]) -> None:
        super().__init__()
        self._workers = workers
        self._stay = PushButton("Stay", id="stay")

    def compose(self) -> ComposeResult:
        """Lay out who would be stopped."""
        names = visible(", ".join(self._workers), 60)
        with self.box("Quit"):
            yield block(
                (Cell("This console started: "), Cell(names, "strong")),
                (Cell("They stop with it: warm at first, cut after five seconds."),),
            )
            with Horizontal(id="buttons"):
                yield self._stay
                yield PushButton("Stop them and quit", tone="warning", id="leave")

    def on_mount(self) -> None:
        """Put the focus where it does no harm."""
        self.set_focus(self._stay)

    def on_key(self, event: events.Key) -> None:
        """Answer with a letter."""
        if event.key in {"y", "n"}:
            event.stop()
            self.answer(event.key == "y")

    @on(PushButton.Pressed)
    def decide(self, event: PushButton.Pressed) -> None:
        """Answer."""
        self.answer(event.button is not self._stay)
