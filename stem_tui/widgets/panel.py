"""The one way in which live data is painted: a column of lines, of which only the changed ones are drawn again.

A panel describes each visible line by a value, its `Look`. `repaint` compares these with what was drawn last and
refreshes the difference, so a tick on which nothing changed costs no output.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from stem_tui.theme import ground_of, styles_of
from stem_tui.views.cells import Cell, Line, Row
from stem_tui.widgets.paint import line_strip, rule_line

WHEEL_LINES = 3
_BLANK: Line = ()


class Look(NamedTuple):
    """All that the look of a line depends on.

    Args:
        content: Text, or the row of a table.
        under: Part of the theme that is laid under it, such as `cursor`.
    """

    content: Line | Row
    under: str = ""


class Panel(Widget, can_focus=True):
    """A titled rule and lines below it that scroll.

    Args:
        title: On the rule.
        id: Identifier for styles and queries.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "Panel { height: 1fr; }"
    HEAD: ClassVar[int] = 1
    """Lines that do not scroll, the rule included."""

    class Opened(Message):
        """The user wants to see more of the selected row: Enter, or a double click."""

    def __init__(self, title: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.title = title
        self.note: Line = ()
        self.top = 0
        self._drawn: dict[int, Look] = {}

    # What a subclass says.

    def count(self) -> int:
        """Return how many lines there are to scroll through."""
        return 0

    def look(self, index: int) -> Look:
        """Describe one of them."""
        return Look(_BLANK)

    def head(self, index: int) -> Line:
        """Return a fixed line below the rule, counted from 1."""
        return _BLANK

    def draw(self, look: Look, width: int) -> Strip:
        """Draw a line from its description."""
        styles = styles_of(self)
        content = look.content
        line = (Cell(content.key),) if isinstance(content, Row) else content
        ground = ground_of(self)
        return line_strip(line, width, styles, ground + styles[look.under] if look.under else ground)

    # Geometry.

    @property
    def room(self) -> int:
        """How many lines of data are in view."""
        return max(1, self.size.height - self.HEAD)

    def wanted(self) -> int:
        """Return the height at which nothing would have to scroll."""
        return self.HEAD + max(1, self.count())

    def scroll(self, lines: int) -> None:
        """Move the view by so many lines."""
        self.top = max(0, min(self.top + lines, self.count() - self.room))
        self.repaint()

    def move(self, lines: int) -> None:
        """Move by so many lines; a table moves its cursor."""
        self.scroll(lines)

    def shift(self, columns: int) -> None:
        """Show what lies further to the right, or back."""

    # Painting.

    def rule_note(self) -> Line:
        """Return what stands at the right of the rule; if lines are out of view, which ones are in it."""
        total = self.count()
        if total <= self.room or not self.size.height:
            return self.note
        place = Cell(f"{self.top + 1}-{min(total, self.top + self.room)} of {total:,}", "muted")
        return (*self.note, Cell(" · "), place) if self.note else (place,)

    def look_at(self, y: int) -> Look:
        """Describe the line at `y` of the widget."""
        if y == 0 and self.HEAD:
            return Look(rule_line(self.title, self.rule_note(), self.size.width, focused=self.has_focus))
        if y < self.HEAD:
            return Look(self.head(y))
        index = self.top + y - self.HEAD
        return self.look(index) if index < self.count() else Look(_BLANK)

    def repaint(self) -> None:
        """Draw the lines that look different now."""
        width, height = self.size
        if not height or not self.is_mounted:
            return
        self.top = max(0, min(self.top, self.count() - self.room))
        changed = [y for y in range(height) if self._drawn.get(y) != self.look_at(y)]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def repaint_all(self) -> None:
        """Draw everything, after a change of theme."""
        self._drawn.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line, and remember what was drawn."""
        look = self._drawn[y] = self.look_at(y)
        return self.draw(look, self.size.width)

    # Events.

    def on_resize(self) -> None:
        """Forget what was drawn at another size, and leave no room unused."""
        self._drawn.clear()
        self.top = max(0, min(self.top, self.count() - self.room))
        self.resized()

    def resized(self) -> None:
        """Adapt to a new size."""

    def on_focus(self) -> None:
        """Show the focus."""
        self.repaint()

    def on_blur(self) -> None:
        """Show that the focus is elsewhere."""
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.scroll(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.scroll(-WHEEL_LINES)
