"""Panels of plain lines: details, the event tail, a log that follows its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from stem_tui.views.cells import Cell, Line
from stem_tui.widgets.paint import line_width, without_start
from stem_tui.widgets.panel import Look, Panel

_STEP: Final = 8


class TextPanel(Panel):
    """Lines that scroll.

    Args:
        title: On the rule.
        margin: Cells left free before each line.
        id: Identifier for styles and queries.
    """

    def __init__(self, title: str = "", *, margin: int = 0, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(title, id=id)
        self.lines: Sequence[Line] = ()
        self._left = 0
        self._margin: Line = (Cell(" " * margin),) if margin else ()

    def show(self, lines: Sequence[Line]) -> None:
        """Take new lines."""
        self.lines = lines
        self.repaint()

    def count(self) -> int:
        """Return the number of lines."""
        return len(self.lines)

    def look(self, index: int) -> Look:
        """Describe a line."""
        line = (*self._margin, *self.lines[index])
        return Look(without_start(line, self._left) if self._left else line)

    def shift(self, columns: int) -> None:
        """Show what lies further to the right, or back."""
        widest = max((line_width(line) for line in self.lines), default=0)
        self._left = max(0, min(self._left + columns * _STEP, widest - self.size.width // 2))
        self.repaint()


class BarePanel(TextPanel):
    """Lines that bring their own rules."""

    HEAD: ClassVar[int] = 0

    def place(self) -> str:
        """Return which lines are in sight; empty if all are."""
        return "".join(cell.text for cell in self.rule_note())


class LogTail(TextPanel):
    """Lines that grow at the end. The view follows the end until the user scrolls away from it."""

    def __init__(self, title: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(title, margin=1, id=id)
        self.following = True

    def show(self, lines: Sequence[Line]) -> None:
        """Take new lines, oldest first."""
        self.lines = lines
        self._follow()
        self.repaint()

    def scroll(self, lines: int) -> None:
        """Scroll. Away from the end the view stays where it is; at the end it follows again."""
        super().scroll(lines)
        self.following = self.top >= self.count() - self.room
        self.repaint()

    def restart(self) -> None:
        """Begin with another text: follow its end."""
        self.following = True

    def rule_note(self) -> Line:
        """Say whether the view follows."""
        place = super().rule_note()
        word = Cell("follow on", "muted") if self.following else Cell("follow off · G goes on", "warning")
        return (*place, Cell(" · "), word) if place else (word,)

    def resized(self) -> None:
        """Stay at the end."""
        self._follow()

    def _follow(self) -> None:
        if self.following:
            self.top = max(0, self.count() - self.room)
