"""Pages of lines: a worker's answer, the receipts, the help."""

from __future__ import annotations

from collections.abc import Sequence

from stem_core.text import visible
from stem_tui.actions import Target
from stem_tui.keymap import Keymap
from stem_tui.screens.help_text import help_lines
from stem_tui.screens.page import Page
from stem_tui.screens.text_page import TextPage
from stem_tui.session import Session
from stem_tui.views import inspection_lines, receipts_lines
from stem_tui.views.cells import Line
from stem_tui.widgets.text_panel import TextPanel


class ReceiptsPage(TextPage):
    """What became of each command."""

    CONTEXT = "receipts"

    def __init__(self, session: Session) -> None:
        panel = TextPanel("commands of this session, newest first", margin=1, id="receipts")
        super().__init__(session, "receipts", panel)

    def lines(self, now: float) -> Sequence[Line]:
        """Return the receipts."""
        return receipts_lines(self.session.model, now)


class InspectionPage(TextPage):
    """What a worker answered when it was asked for all that it has."""

    CONTEXT = "worker"

    def __init__(self, session: Session, subject: Target) -> None:
        super().__init__(session, f"inspect {visible(subject.key, 60)}")
        self.subject = subject

    def lines(self, now: float) -> Sequence[Line]:
        """Return the answer."""
        return inspection_lines(self.session.model, self.subject.key, now, self.inner_width)

    def targets(self) -> Sequence[Target]:
        """Return the worker."""
        return self.kin(self.subject)


class HelpPage(TextPage):
    """All keys, from the registry.

    Args:
        session: Where data comes from.
        keymap: Which keys do what.
        asked_on: What does not work there is greyed.
    """

    CONTEXT = "help"

    def __init__(self, session: Session, keymap: Keymap, asked_on: Page) -> None:
        super().__init__(session, f"help · {asked_on.CONTEXT}", TextPanel("keys", margin=1, id="help"))
        self._keymap_shown = keymap
        self._asked_on = asked_on

    def lines(self, now: float) -> Sequence[Line]:
        """Return the keys in as many columns as fit."""
        return help_lines(self._keymap_shown, self._asked_on, self.inner_width)
