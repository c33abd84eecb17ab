"""Fixed lines: header, verdict, receipt, footer, and blocks of text in dialogs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from stem_tui.theme import ground_of, styles_of
from stem_tui.views.cells import Cell, Line
from stem_tui.widgets.paint import line_strip

OPEN: Final = "\u2039 "
CLOSE: Final = " \u203a"


class StatusLine(Widget):
    """One line, drawn again only if it changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "StatusLine { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.line: Line = ()

    def show(self, line: Line) -> None:
        """Show this line."""
        if line != self.line:
            self.line = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw it."""
        return line_strip(self.line, self.size.width, styles_of(self), ground_of(self))


class Hint(NamedTuple):
    """A key and what it does, in the footer."""

    action: str
    key: str
    title: str


class Footer(StatusLine):
    """The keys of the moment. A click on one does what the key does."""

    class Pressed(Message):
        """A hint was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._spans: list[tuple[int, int, str]] = []

    def show_hints(self, hints: Sequence[Hint]) -> None:
        """Show as many hints as fit; the first ones matter most."""
        cells = [Cell(" ")]
        self._spans = []
        x = 1
        for hint in hints:
            width = cell_len(hint.key) + 1 + cell_len(hint.title)
            if self.size.width and x + width > self.size.width:
                break
            self._spans.append((x, x + width, hint.action))
            cells += [Cell("  " if x > 1 else ""), Cell(hint.key, "key"), Cell(f" {hint.title}", "muted")]
            x += width + 2
        self.show(tuple(cells))

    def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        for start, end, action in self._spans:
            if start <= event.x < end:
                self.post_message(self.Pressed(action))


class TextBlock(Widget):
    """Lines that do not scroll, as high as they are many."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "TextBlock { height: auto; }"

    def __init__(self, lines: Sequence[Line] = (), *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.lines = tuple(lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Take new lines."""
        height = len(self.lines)
        self.lines = tuple(lines)
        self.refresh(layout=len(self.lines) != height)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines."""
        return len(self.lines)

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        width = self.size.width
        return line_strip(self.lines[y] if y < len(self.lines) else (), width, styles_of(self), ground_of(self))


class PushButton(Widget, can_focus=True):
    """A word in angle quotes that is pressed with Enter, space or the mouse."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "PushButton { height: 1; width: auto; }"

    class Pressed(Message):
        """It was pressed."""

        def __init__(self, button: PushButton) -> None:
            super().__init__()
            self.button = button

    def __init__(self, label: str, *, tone: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._label = label
        self._tone = tone

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Return the width of the label and its quotes."""
        return cell_len(self._label) + 4

    def render_line(self, y: int) -> Strip:
        """Draw it: quotes show the focus, so that it can be seen without colours."""
        if self.disabled:
            line: Line = (Cell(f"  {self._label}  ", "muted"),)
        elif self.has_focus:
            line = (Cell(OPEN, "key"), Cell(self._label, f"strong {self._tone} focus"), Cell(CLOSE, "key"))
        else:
            line = (Cell(f"  {self._label}  ", self._tone),)
        return line_strip(line, self.size.width, styles_of(self), ground_of(self))

    def on_key(self, event: events.Key) -> None:
        """Press it."""
        if event.key in {"enter", "space"}:
            event.stop()
            self.press()

    def on_click(self) -> None:
        """Press it."""
        self.press()

    def press(self) -> None:
        """Tell that it was pressed, unless it is disabled."""
        if not self.disabled:
            self.post_message(self.Pressed(self))
