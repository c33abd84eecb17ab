"""What is enqueued when: all schedules, and one of them in full."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from stem_core.text import visible
from stem_tui.actions import NO_TARGET, Target
from stem_tui.screens.page import Page
from stem_tui.screens.text_page import TextPage
from stem_tui.session import Session
from stem_tui.views import schedule_detail, schedules_table
from stem_tui.views.cells import Line
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.panel import Panel


class SchedulesPage(Page):
    """All schedules of the namespace. They are read again and again while the page is open."""

    CONTEXT = "schedules"

    def __init__(self, session: Session) -> None:
        super().__init__(session, "schedules")
        self.entries = LiveTable("Schedules", id="schedules")

    def compose(self) -> ComposeResult:
        """Lay out the one table."""
        yield self.entries

    def panels(self) -> Sequence[Panel]:
        """Return the one table."""
        return (self.entries,)

    def paint(self, now: float) -> None:
        """Pull the schedules."""
        self.entries.show(schedules_table(self.session.model, now, self.state(self.entries)))

    def targets(self) -> Sequence[Target]:
        """Return the selected schedule."""
        target = self.opened()
        return () if target == NO_TARGET else (target,)

    def opened(self) -> Target:
        """Return the selected schedule."""
        row = self.entries.selected
        return Target("schedule", row.key) if row else NO_TARGET

    def enter(self) -> None:
        """Read them again and again."""
        self.session.watch_schedules(watched=True)

    def leave(self) -> None:
        """Stop reading them."""
        self.session.watch_schedules(watched=False)


class SchedulePage(TextPage):
    """One schedule: when and what, how it went, and its next ticks."""

    CONTEXT = "schedule"

    def __init__(self, session: Session, subject: Target) -> None:
        super().__init__(session, f"schedule {visible(subject.key, 60)}")
        self.subject = subject

    def lines(self, now: float) -> Sequence[Line]:
        """Return what is known."""
        return schedule_detail(self.session.model, self.subject.key, now, self.inner_width)

    def targets(self) -> Sequence[Target]:
        """Return the schedule."""
        return (self.subject,)

    def opened(self) -> Target:
        """Return the task that it sent last."""
        item = self.session.model.schedules.find(self.subject.key)
        return Target("task", item.last_id) if item is not None and item.last_id else NO_TARGET

    def enter(self) -> None:
        """Read it again and again, with its next ticks."""
        self.session.watch_schedules(watched=True, opened=self.subject.key)

    def leave(self) -> None:
        """Stop reading it."""
        self.session.watch_schedules(watched=False)
