"""What all pages share. A page fills the space between the verdict and the receipt line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.containers import Vertical

from stem_tui.actions import NO_TARGET, Target
from stem_tui.session import Session
from stem_tui.views.cells import TableState, TableView
from stem_tui.views.rows import keys_of
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.panel import Panel


class Page(Vertical):
    """A column of panels that pull their views from the session's model.

    Args:
        session: Where data comes from.
        crumb: Its place in the breadcrumb line.

    Attributes:
        subject: What it is about, if it is about one thing.
    """

    CONTEXT: ClassVar[str] = "overview"
    """Which of the registry's contexts it is."""

    def __init__(self, session: Session, crumb: str) -> None:
        super().__init__()
        self.session = session
        self.crumb = crumb
        self.subject = NO_TARGET
        self.states: dict[str, TableState] = {}
        self.maximised: Panel | None = None

    def panels(self) -> Sequence[Panel]:
        """Return the panels that take the focus, in the order of their numbers."""
        raise NotImplementedError

    def paint(self, now: float) -> None:
        """Pull views and hand them to the panels.

        Args:
            now: The console's monotonic clock.
        """
        raise NotImplementedError

    def settle(self) -> None:
        """Show from now on what is shown now, whatever is scrolled or sorted out of sight."""
        for panel in self.panels():
            if isinstance(panel, LiveTable):
                panel.settle()

    def on_resize(self) -> None:
        """Pull views again: some depend on the width."""
        self.paint(self.session.now())

    def targets(self) -> Sequence[Target]:
        """Return what an action could act on, the nearest first: the selected row, then what the page is about."""
        return ()

    def kin(self, worker: Target) -> Sequence[Target]:
        """Return what a worker can be told as: a process of this console, if it is one, and a worker of the cluster."""
        model = self.session.model
        local = (Target("local", worker.key),) if worker.key in model.local else ()
        return (*local, worker) if worker.key in model.workers or not local else local

    def opened(self) -> Target:
        """Return what Enter opens."""
        return NO_TARGET

    @property
    def opens(self) -> bool:
        """Whether Enter opens something now."""
        return self.opened() != NO_TARGET

    def open_in_place(self) -> bool:
        """Show what Enter opens without another page; False if another page does."""
        return False

    def back_in_place(self) -> bool:
        """Take that back; False if there is nothing to be taken back."""
        return False

    def enter(self) -> None:
        """Begin what must go on while the page is the one that is shown."""

    def leave(self) -> None:
        """End that: another page lies above it, or it is closed."""

    @property
    def inner_width(self) -> int:
        """Cells for text within the margins."""
        return max(20, self.size.width - 2)

    @property
    def active(self) -> Panel:
        """The panel that has the focus, or the first one."""
        focused = self.screen.focused  # known at once, while a panel itself hears of its focus only later
        return next((panel for panel in self.panels() if panel is focused), self.panels()[0])

    def table(self) -> LiveTable | None:
        """Return the table that sorting applies to."""
        active = self.active
        if isinstance(active, LiveTable):
            return active
        return next((panel for panel in self.panels() if isinstance(panel, LiveTable)), None)

    def filtered(self) -> Panel | None:
        """Return the panel that the filter applies to."""
        return self.table()

    def place(self) -> str:
        """Return which lines are in sight, for pages whose panel has no rule to say so."""
        return ""

    def shown(self, panel: Panel) -> None:
        """Bring a panel to sight where only one fits."""

    def state(self, panel: Panel) -> TableState:
        """Return what the user asked of a panel."""
        return self.states.get(panel.id or "", TableState())

    def set_filter(self, panel: Panel, text: str) -> None:
        """Show only what matches."""
        self.states[panel.id or ""] = self.state(panel)._replace(filter=text)

    def set_sort(self, panel: Panel, key: str) -> None:
        """Sort by a column; by the same one again, the other way round."""
        state = self.state(panel)
        self.states[panel.id or ""] = state._replace(sort=key, reverse=state.sort == key and not state.reverse)

    def marks(self) -> LiveTable | None:
        """Return the table whose rows can be marked; None if the one that has the focus has no such rows."""
        return None

    def mark(self, table: LiveTable, row: str) -> None:
        """Mark a row, or take its mark back."""
        self.set_marks(table, self.state(table).marked ^ {row})

    def mark_all(self, table: LiveTable) -> str:
        """Mark all rows that the filter leaves; returns what is to be said about it."""
        self.set_marks(table, self.state(table).marked.union(keys_of(table.view.rows)))
        return ""

    def set_marks(self, panel: Panel, marked: Iterable[str]) -> None:
        """Mark these rows, and no others."""
        self.states[panel.id or ""] = self.state(panel)._replace(marked=frozenset(marked))

    def show(self, table: LiveTable, view: TableView) -> None:
        """Hand a table its rows; what is not among them any more is not marked any more, unless a filter hides it."""
        state = self.state(table)
        if state.marked and not state.filter.strip():
            kept = state.marked.intersection(keys_of(view.rows))
            if kept != state.marked:
                self.set_marks(table, kept)
        table.show(view, self.state(table).marked)

    def picked(self, table: LiveTable, kind: str) -> Target:
        """Return what is selected in a table, with all that is marked there, in the order of its rows."""
        row, marked = table.selected, self.state(table).marked
        if row is None and not marked:
            return NO_TARGET
        shown = [key for key in keys_of(table.view.rows) if key in marked]
        keys = (*shown, *sorted(marked.difference(shown)))
        return Target(kind, row.key if row is not None else keys[0], keys)

    def maximise(self, panel: Panel | None) -> None:
        """Give a panel all the space, or give the space back."""
        self.maximised = panel
        for other in self.panels():
            other.display = panel is None or other is panel
