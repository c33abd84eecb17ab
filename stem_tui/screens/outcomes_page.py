"""How the runs of each task ended lately: which fail, how often, and why."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from stem_tui.actions import NO_TARGET, Target
from stem_tui.screens.page import Page
from stem_tui.session import Session
from stem_tui.store.outcomes import TaskOutcomes
from stem_tui.views import outcomes_table
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.panel import Panel


class OutcomesPage(Page):
    """Tasks by name, those that fail most first; each opens the task that failed last, with its error."""

    CONTEXT = "outcomes"

    def __init__(self, session: Session) -> None:
        super().__init__(session, "outcomes")
        self.entries = LiveTable("Outcomes by task", restless=True, id="outcomes")

    def compose(self) -> ComposeResult:
        """Lay out the one table."""
        yield self.entries

    def panels(self) -> Sequence[Panel]:
        """Return the one table."""
        return (self.entries,)

    def paint(self, now: float) -> None:
        """Pull the outcomes."""
        self.show(self.entries, outcomes_table(self.session.model, now, self.state(self.entries)))

    def _selected(self) -> TaskOutcomes | None:
        row = self.entries.selected
        return self.session.model.outcomes.find(row.key) if row is not None else None

    def targets(self) -> Sequence[Target]:
        """Return the queue of the selected task."""
        task = self._selected()
        return () if task is None else (Target("queue", task.queue),)

    def opened(self) -> Target:
        """Return the task of that name that failed last, or else ended last."""
        task = self._selected()
        return Target("task", task.example) if task is not None else NO_TARGET
