"""The worker processes of this console, and the log of the one that is selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from stem_tui.actions import NO_TARGET, Target
from stem_tui.screens.page import Page
from stem_tui.session import Session
from stem_tui.views import local_log_lines, local_table
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.panel import Panel
from stem_tui.widgets.text_panel import LogTail

_LOG_LINES: Final = 2000
_TABLE_PART: Final = 3
"""The table of processes gets at most one line in so many; the log matters more."""


class LocalPage(Page):
    """Worker processes above, the log of the selected one below. A worker that was just started is selected."""

    CONTEXT = "local"

    def __init__(self, session: Session) -> None:
        super().__init__(session, "local workers")
        self.processes = LiveTable("1 Local workers", prefix="1 ", id="processes")
        self.log_tail = LogTail("2 Log", id="log")
        self._newest = ""
        self._logged = ""

    def compose(self) -> ComposeResult:
        """Lay out the processes above the log."""
        yield self.processes
        yield self.log_tail

    def panels(self) -> Sequence[Panel]:
        """Return both panels."""
        return (self.processes, self.log_tail)

    def paint(self, now: float) -> None:
        """Pull the processes and the log."""
        model = self.session.model
        self.processes.show(local_table(model, now, self.state(self.processes)))
        newest = next(reversed(model.local), "")
        if newest != self._newest:
            self._newest = newest
            self.processes.select(newest)
        self._arrange()
        key = self._key
        if key != self._logged:
            self._logged = key
            self.log_tail.restart()
        self.log_tail.title = f"2 Log {key}".rstrip()
        self.log_tail.show(local_log_lines(model, key, _LOG_LINES, self.state(self.log_tail).filter))

    def _arrange(self) -> None:
        most = max(self.processes.HEAD + 1, self.size.height // _TABLE_PART)
        alone = self.maximised is self.processes
        self.processes.styles.height = "1fr" if alone else min(self.processes.wanted(), most)

    @property
    def _key(self) -> str:
        row = self.processes.selected
        return row.key if row is not None else ""

    def filtered(self) -> Panel:
        """Return the panel that has the focus: logs can be filtered too."""
        return self.active

    def targets(self) -> Sequence[Target]:
        """Return the selected process, as this console's and as a worker of the cluster."""
        return self.kin(Target("worker", self._key)) if self._key else ()

    def opened(self) -> Target:
        """Return the worker that the process is."""
        known = self._key in self.session.model.workers
        return Target("worker", self._key) if known else NO_TARGET
