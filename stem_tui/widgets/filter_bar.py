"""The line in which a filter is typed. It narrows the table with every letter."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from stem_tui.views.cells import Cell
from stem_tui.widgets.lines import TextBlock
from stem_tui.widgets.panel import Panel


class FilterBar(Horizontal):
    """A slash and an input. Enter keeps the filter and closes, escape clears it.

    Args:
        value: The filter so far.
        panel: What is filtered.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear", show=False, priority=True),
    ]

    class Changed(Message):
        """The filter is another one now.

        Args:
            panel: What is filtered.
            text: The filter.
            closed: Whether the bar is done with.
        """

        def __init__(self, panel: Panel, text: str, *, closed: bool = False) -> None:
            super().__init__()
            self.panel = panel
            self.text = text
            self.closed = closed

    def __init__(self, value: str, panel: Panel) -> None:
        super().__init__(id="filter-bar")
        self._panel = panel
        self._input = Input(value, compact=True, select_on_focus=False, placeholder="text  !without  ~fuzzy")
        self._input.cursor_blink = False  # a blinking cursor costs a line of bytes twice a second over ssh

    def compose(self) -> ComposeResult:
        """Lay out the slash and the input."""
        yield TextBlock([(Cell(" / ", "key"),)], id="slash")
        yield self._input

    def on_mount(self) -> None:
        """Take the keys."""
        self._input.focus()

    @on(Input.Changed)
    def tell_change(self, event: Input.Changed) -> None:
        """Narrow with every letter."""
        event.stop()
        self.post_message(self.Changed(self._panel, event.value))

    @on(Input.Submitted)
    def tell_end(self, event: Input.Submitted) -> None:
        """Keep the filter and close."""
        event.stop()
        self.post_message(self.Changed(self._panel, event.value, closed=True))

    def action_clear(self) -> None:
        """Drop the filter and close."""
        self.post_message(self.Changed(self._panel, "", closed=True))
