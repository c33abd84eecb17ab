"""The first page: queues, workers and what happens."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from stem_tui.actions import NO_TARGET, Target
from stem_tui.screens.page import Page
from stem_tui.screens.shares import divide
from stem_tui.session import Session
from stem_tui.views import events_table, queue_table, worker_table
from stem_tui.widgets.event_table import EventTable
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.panel import Panel

_EVENTS_KEPT = 200
_PARTS = (0.4, 0.3, 0.3)


class OverviewPage(Page):
    """Queues, workers and events, one below the other; on a tiny screen one at a time."""

    CONTEXT = "overview"

    def __init__(self, session: Session) -> None:
        super().__init__(session, "overview")
        self.lanes = LiveTable("1 Queues", prefix="1 ", id="queues")
        self.crew = LiveTable("2 Workers", prefix="2 ", id="workers")
        self.tail = EventTable("3 Events", prefix="3 ", id="events")
        self._wanted = [0, 0]

    def compose(self) -> ComposeResult:
        """Lay out the panels."""
        yield self.lanes
        yield self.crew
        yield self.tail

    def panels(self) -> Sequence[Panel]:
        """Return the three panels."""
        return (self.lanes, self.crew, self.tail)

    def paint(self, now: float) -> None:
        """Pull queues, workers and events."""
        model = self.session.model
        self.show(self.lanes, queue_table(model, now, self.state(self.lanes)))
        self.show(self.crew, worker_table(model, now, self.state(self.crew)))
        self.tail.show(events_table(model, now, _EVENTS_KEPT, self.state(self.tail)))
        self._grow()

    def _grow(self) -> None:
        """Give tables more room when they have more rows; never take it back, so that nothing jumps."""
        wanted = [max(old, panel.wanted()) for old, panel in zip(self._wanted, self.panels()[:2], strict=True)]
        if wanted != self._wanted:
            self._wanted = wanted
            self._arrange()

    def _arrange(self) -> None:
        height = self.size.height
        if not height:
            return
        if self.screen.has_class("-tiny") or self.screen.has_class("-short"):
            for panel in self.panels():
                panel.styles.height = "1fr"
            return
        for panel, lines in zip(self.panels(), divide(height, (*self._wanted, height), _PARTS), strict=True):
            panel.styles.height = "1fr" if self.maximised is panel else lines

    def on_resize(self) -> None:
        """Divide the new height."""
        self._wanted = [panel.wanted() for panel in self.panels()[:2]]
        self._arrange()

    def maximise(self, panel: Panel | None) -> None:
        """Give a panel all the space, or give the space back."""
        super().maximise(panel)
        self._arrange()

    def filtered(self) -> Panel | None:
        """Return the panel that has the focus: events can be filtered too."""
        return self.active

    def shown(self, panel: Panel) -> None:
        """Show this panel where only one fits."""
        for other in self.panels():
            other.set_class(other is panel, "-shown")

    def on_mount(self) -> None:
        """Begin with the queues."""
        self.shown(self.lanes)

    def targets(self) -> Sequence[Target]:
        """Return the selected row."""
        table = self.marks()
        target = self.opened() if table is None else self.picked(table, "worker" if table is self.crew else "queue")
        if target.kind == "worker" and not target.marked:
            return self.kin(target)
        return () if target == NO_TARGET else (target,)

    def marks(self) -> LiveTable | None:
        """Return the queues or workers, whichever have the focus."""
        return next((table for table in (self.lanes, self.crew) if table is self.active), None)

    def _happened_to(self, number: int) -> Target:
        """Return the task of an event, or else the worker."""
        event = self.session.model.events.line(number)
        if event is None:
            return NO_TARGET
        if event.task_key:
            return Target("task", event.task_key)
        return Target("worker", event.worker_key) if event.worker_key in self.session.model.workers else NO_TARGET

    def opened(self) -> Target:
        """Return the selected queue or worker, or the task of the selected event."""
        active = self.active
        row = active.selected if isinstance(active, LiveTable) else None
        if row is None:
            return NO_TARGET
        if active is self.tail:
            return self._happened_to(int(row.key))
        return Target("queue" if active is self.lanes else "worker", row.key)
