"""What all dialogs share: a titled box over the page, which stands still meanwhile."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from stem_tui.views.cells import Line
from stem_tui.widgets.lines import TextBlock

Answer = TypeVar("Answer")


class Dialog(ModalScreen["Answer | None"], Generic[Answer]):
    """A box with a title. Escape closes it without an answer."""

    INHERIT_BINDINGS = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss_dialog", "cancel", show=False, priority=True),
        Binding("tab,down", "app.focus_next", "next", show=False),
        Binding("shift+tab,up", "app.focus_previous", "previous", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._answered = False

    def box(self, title: str) -> Vertical:
        """Return the box; the title is text, never markup."""
        box = Vertical(id="box")
        box.border_title = Content(title)
        return box

    def answer(self, answer: Answer | None) -> None:
        """Close with this answer. The first one counts: a key that is held answers more than once."""
        if not self._answered:
            self._answered = True
            _ = self.dismiss(answer)  # awaiting it inside a handler of this same screen would never end

    def action_dismiss_dialog(self) -> None:
        """Close without an answer."""
        self.answer(None)


class LineInput(Input):
    """A line to type in."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(value, placeholder=placeholder, compact=True, select_on_focus=False, id=id)
        self.cursor_blink = False


def block(*lines: Line) -> TextBlock:
    """Return lines of text for a dialog."""
    return TextBlock(lines)
