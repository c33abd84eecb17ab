"""Dead letters: a list of them, or their causes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from stem_core.text import visible
from stem_tui.actions import NO_TARGET, Target
from stem_tui.screens.page import Page
from stem_tui.session import Session
from stem_tui.store import LetterBook, LetterEntry, letter_key
from stem_tui.views import causes_table, figures, letters_table, matching_letters
from stem_tui.views.cells import TableView
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.panel import Panel

_EMPTY: Final = TableView((), ())


class LettersPage(Page):
    """The dead letters of one queue or of all. They are read again and again while the page is open.

    What is marked are letters, also where causes are shown: those that the cause had when it was marked.

    Args:
        session: Where data comes from.
        subject: Kind `letters`, and the queue's name, empty for all queues.
        grouped: Whether causes are shown.
    """

    CONTEXT = "letters"

    def __init__(self, session: Session, subject: Target, *, grouped: bool = False) -> None:
        where = f" of {visible(subject.key, 60)}" if subject.key else ""
        super().__init__(session, f"dead letters{where}")
        self.subject = subject
        self.grouped = grouped
        self.table_of_letters = LiveTable("Dead letters", id="letters")
        self._drawn: tuple[object, ...] = ()
        self._view = _EMPTY
        self._shown_marks: tuple[tuple[object, ...], frozenset[str], frozenset[str]] = ((), frozenset(), frozenset())
        self._checked: LetterBook | None = None
        self._cause_key = ""

    def compose(self) -> ComposeResult:
        """Lay out the one table."""
        yield self.table_of_letters

    def panels(self) -> Sequence[Panel]:
        """Return the one table."""
        return (self.table_of_letters,)

    def enter(self) -> None:
        """Read them again and again."""
        self.session.watch_letters((self.subject.key,) if self.subject.key else ())

    def leave(self) -> None:
        """Stop reading them."""
        self.session.watch_letters(None)

    def paint(self, now: float) -> None:
        """Pull the letters or their causes; the rows are made anew only if letters, filter or order are others."""
        model = self.session.model
        self._forget_gone()
        plain = self.state(self.table_of_letters)._replace(marked=frozenset())
        day = figures.day(model.wall(now))
        drawn = (model.letters.book, plain, self.grouped, model.link.is_live, model.problems.get("letters"), day)
        if drawn != self._drawn:
            view = causes_table if self.grouped else letters_table
            self._drawn, self._view = drawn, view(model, now, plain)
        if self._shown_marks[:2] != (drawn, self._marked):
            self._shown_marks = (drawn, self._marked, self._marked_rows())
        self.table_of_letters.show(self._view, self._shown_marks[2], len(self._marked))

    def _forget_gone(self) -> None:
        book = self.session.model.letters.book
        if book is not self._checked and book is not None:
            self._checked = book
            self.set_marks(self.table_of_letters, self._marked.intersection(book.by_key))

    # Marks

    @property
    def _marked(self) -> frozenset[str]:
        return self.state(self.table_of_letters).marked

    def _marked_rows(self) -> frozenset[str]:
        """Return the rows that are shown as marked: letters, or causes of which all that the filter leaves are."""
        marked = self._marked
        if not self.grouped or not marked:
            return marked
        whole = {entry.cause.mark: True for entry in self._shown()}
        for entry in self._shown():
            whole[entry.cause.mark] &= entry.key.text in marked
        return frozenset(mark for mark, complete in whole.items() if complete)

    def _shown(self) -> list[LetterEntry]:
        return matching_letters(self.session.model, self.state(self.table_of_letters).filter)

    def _of_cause(self, mark: str) -> list[str]:
        return [entry.key.text for entry in self._shown() if entry.cause.mark == mark]

    def marks(self) -> LiveTable | None:
        """Return the table."""
        return self.table_of_letters

    def mark(self, table: LiveTable, row: str) -> None:
        """Mark a letter, or all that a cause has now; or take that back."""
        keys = self._of_cause(row) if self.grouped else [row]
        marked = self._marked
        self.set_marks(table, marked.difference(keys) if marked.issuperset(keys) else marked.union(keys))

    def mark_all(self, table: LiveTable) -> str:
        """Mark all letters that were read and that the filter leaves; the second time, read the others first."""
        keys = {entry.key.text for entry in self._shown()}
        if not keys:
            return "there is nothing to mark here"
        again = self._marked.issuperset(keys)
        self.set_marks(table, self._marked.union(keys))
        book = self.session.model.letters.book
        if book is None or not book.unread:
            return f"marked {len(keys):,}"
        if again:
            self.session.read_more_letters()
            return f"reading the other {book.unread:,}; once they are there, a marks them too"
        return f"marked {len(keys):,} of those that were read; a again reads the other {book.unread:,}"

    # Pages

    def targets(self) -> Sequence[Target]:
        """Return the selected letter, or all of the selected cause, or what is marked; then the letter's queue."""
        target = self._target()
        return () if target == NO_TARGET else (target, Target("queue", letter_key(target.keys[0]).queue))

    def _target(self) -> Target:
        row, marked = self.table_of_letters.selected, self._marked
        if not self.grouped or (marked and row is None):
            return self.picked(self.table_of_letters, "letter")
        if row is None:
            return NO_TARGET
        keys = tuple(sorted(marked)) if marked else tuple(self._of_cause(row.key))
        return Target("letter", keys[0], keys) if keys else NO_TARGET

    def opened(self) -> Target:
        """Return the selected letter; a cause is opened in place."""
        row = self.table_of_letters.selected
        return Target("letter", row.key) if row is not None and not self.grouped else NO_TARGET

    @property
    def opens(self) -> bool:
        """Whether there is a row."""
        return self.table_of_letters.selected is not None

    def open_in_place(self) -> bool:
        """Show the letters of the selected cause."""
        row = self.table_of_letters.selected
        if not self.grouped or row is None:
            return False
        state = self.state(self.table_of_letters)
        self._cause_key = row.key
        self._regroup(grouped=False)
        self.set_filter(self.table_of_letters, f"{state.filter} cause:{row.key}".strip())
        return True

    def back_in_place(self) -> bool:
        """Go back from the letters of one cause to the causes."""
        state = self.state(self.table_of_letters)
        if not self._cause_key or f"cause:{self._cause_key}" not in state.filter:
            return False
        self.set_filter(self.table_of_letters, state.filter.replace(f"cause:{self._cause_key}", "").strip())
        self._regroup(grouped=True)
        self.paint(self.session.now())
        self.table_of_letters.select(self._cause_key)
        self._cause_key = ""
        return True

    def group(self, *, grouped: bool) -> None:
        """Show causes in place of letters, or letters in place of causes."""
        if grouped != self.grouped and not (grouped and self.back_in_place()):
            self._regroup(grouped=grouped)

    def _regroup(self, *, grouped: bool) -> None:
        table = self.table_of_letters
        self.grouped = grouped
        self.states[table.id or ""] = self.state(table)._replace(sort="", reverse=False)
        table.key = None
        table.home()
