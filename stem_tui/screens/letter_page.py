"""One dead letter."""

from __future__ import annotations

from collections.abc import Sequence

from stem_core.text import visible
from stem_tui.actions import Target
from stem_tui.screens.text_page import TextPage
from stem_tui.session import Session
from stem_tui.store import letter_key
from stem_tui.views import letter_detail
from stem_tui.views.cells import Cell, Line


class LetterPage(TextPage):
    """One dead letter: why and when it died, and all of its task."""

    CONTEXT = "letter"

    def __init__(self, session: Session, subject: Target) -> None:
        self._letter = letter_key(subject.key)
        super().__init__(session, f"dead letter {visible(self._letter.id[-12:])}")
        self.subject = subject
        self._queues = session.model.letters.watched or ()
        self._entry = session.model.letters.find(subject.key)

    def lines(self, now: float) -> Sequence[Line]:
        """Return what is known."""
        if self._entry is None:  # it went away while Enter was pressed
            return ((Cell("  it is no dead letter any more", "muted"),),)
        return letter_detail(self.session.model, self._entry, now, self.inner_width)

    def targets(self) -> Sequence[Target]:
        """Return the letter, and its queue."""
        return (self.subject, Target("queue", self._letter.queue))

    def enter(self) -> None:
        """Read it and its task again and again."""
        self.session.watch_letters(self._queues)
        self.session.watch_task(self._letter.id, self.subject.key)

    def leave(self) -> None:
        """Stop reading them."""
        self.session.watch_task(None)
        self.session.watch_letters(None)
