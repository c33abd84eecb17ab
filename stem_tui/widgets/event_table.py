"""The event tail: a table without headings that shows the newest line until the cursor is moved away from it."""

from __future__ import annotations

from typing import ClassVar

from stem_tui.views.cells import Cell, Line, TableView
from stem_tui.widgets.live_table import LiveTable


class EventTable(LiveTable):
    """Events, newest first. At the top the cursor stays there; elsewhere it stays on its event."""

    HEAD: ClassVar[int] = 1

    def show(self, view: TableView, marked: frozenset[str] = frozenset(), count: int | None = None) -> None:
        """Take new events."""
        if not self.index:
            self.key = None
            self.home()
        super().show(view, marked, count)

    def rule_note(self) -> Line:
        """Say if the newest line is not where the cursor is."""
        off = (Cell("follow off · g goes on · ", "warning"),) if self.index else ()
        return (*off, *super().rule_note())
