"""Pages of lines: a worker's answer, the receipts, the help."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from stem_core.text import visible
from stem_tui.actions import NO_TARGET, Target
from stem_tui.keymap import Keymap
from stem_tui.screens.help_text import help_lines
from stem_tui.screens.page import Page
from stem_tui.session import Session
from stem_tui.views import inspection_lines, receipts_lines
from stem_tui.widgets.panel import Panel
from stem_tui.widgets.text_panel import BarePanel, TextPanel


class ReceiptsPage(Page):
    """What became of each command."""

    CONTEXT = "receipts"

    def __init__(self, session: Session) -> None:
        super().__init__(session, "receipts")
        self.text = TextPanel("commands of this session, newest first", margin=1, id="receipts")

    def compose(self) -> ComposeResult:
        """Lay out the one panel."""
        yield self.text

    def panels(self) -> Sequence[Panel]:
        """Return the one panel."""
        return (self.text,)

    def paint(self, now: float) -> None:
        """Pull the receipts."""
        self.text.show(receipts_lines(self.session.model, now))


class InspectionPage(Page):
    """What a worker answered when it was asked for all that it has."""

    CONTEXT = "worker"

    def __init__(self, session: Session, subject: Target) -> None:
        super().__init__(session, f"inspect {visible(subject.key, 60)}")
        self.subject = subject
        self.text = BarePanel(id="inspection")

    def compose(self) -> ComposeResult:
        """Lay out the one panel."""
        yield self.text

    def panels(self) -> Sequence[Panel]:
        """Return the one panel."""
        return (self.text,)

    def paint(self, now: float) -> None:
        """Pull the answer."""
        self.text.show(inspection_lines(self.session.model, self.subject.key, now, self.inner_width))

    def place(self) -> str:
        """Return which lines are in sight."""
        return self.text.place()

    def targets(self) -> Sequence[Target]:
        """Return the worker."""
        return self.kin(self.subject)


class HelpPage(Page):
    """All keys, from the registry.

    Args:
        session: Where data comes from.
        keymap: Which keys do what.
        asked_on: What does not work there is greyed.
    """

    CONTEXT = "help"

    def __init__(self, session: Session, keymap: Keymap, asked_on: Page) -> None:
        super().__init__(session, f"help · {asked_on.CONTEXT}")
        self._keymap_shown = keymap
        self._asked_on = asked_on
        self.text = TextPanel("keys", margin=1, id="help")

    def compose(self) -> ComposeResult:
        """Lay out the one panel."""
        yield self.text

    def panels(self) -> Sequence[Panel]:
        """Return the one panel."""
        return (self.text,)

    def paint(self, now: float) -> None:
        """Write the keys into as many columns as fit."""
        self.text.show(help_lines(self._keymap_shown, self._asked_on, self.inner_width))

    def opened(self) -> Target:
        """Nothing lies deeper."""
        return NO_TARGET
