"""Asking before the console takes its own workers, or a replay that is going on, down with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from stem_core.text import visible
from stem_tui.screens.dialog import Dialog, block
from stem_tui.views.cells import Cell, Line
from stem_tui.widgets.lines import PushButton


class QuitDialog(Dialog[bool]):
    """Asks whether to leave, though something ends with the console.

    Args:
        workers: Ids of local workers that run.
        going: What is being done to dead letters, and how far it is; empty if nothing is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", "previous", show=False),
        Binding("right", "app.focus_next", "next", show=False),
    ]

    def __init__(self, workers: Sequence[str], going: str = "") -> None:
        super().__init__()
        self._workers = workers
        self._going = going
        self._stay = PushButton("Stay", id="stay")

    def compose(self) -> ComposeResult:
        """Lay out what would end."""
        lines: list[Line] = []
        if self._workers:
            names = visible(", ".join(self._workers), 60)
            lines.append((Cell("This console started: "), Cell(names, "strong")))
            lines.append((Cell("They stop with it: warm at first, cut after five seconds."),))
        if self._going:
            lines.append((Cell("It is at work: "), Cell(visible(self._going, 60), "strong")))
            lines.append((Cell("That is broken off; what was not done yet stays as it is."),))
        with self.box("Quit"):
            yield block(*lines)
            with Horizontal(id="buttons"):
                yield self._stay
                yield PushButton("Stop and quit", tone="warning", id="leave")

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
