"""A page that is one panel of lines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from textual.app import ComposeResult

from stem_tui.screens.page import Page
from stem_tui.session import Session
from stem_tui.views.cells import Line
from stem_tui.widgets.panel import Panel
from stem_tui.widgets.text_panel import BarePanel, TextPanel


class TextPage(Page):
    """Lines that scroll.

    Args:
        session: Where data comes from.
        crumb: Its place in the breadcrumb line.
        text: The panel; one whose lines bring their own rules if None.
    """

    def __init__(self, session: Session, crumb: str, text: TextPanel | None = None) -> None:
        super().__init__(session, crumb)
        self.text = BarePanel(id=self.CONTEXT) if text is None else text

    def compose(self) -> ComposeResult:
        """Lay out the one panel."""
        yield self.text

    def panels(self) -> Sequence[Panel]:
        """Return the one panel."""
        return (self.text,)

    @abstractmethod
    def lines(self, now: float) -> Sequence[Line]:
        """Return what there is to read."""

    def paint(self, now: float) -> None:
        """Pull the lines."""
        self.text.show(self.lines(now))

    def place(self) -> str:
        """Return which lines are in sight, if no rule says so."""
        return self.text.place() if isinstance(self.text, BarePanel) else ""
