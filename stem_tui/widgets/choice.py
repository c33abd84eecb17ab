"""A few words of which one is chosen, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from stem_tui.theme import ground_of, styles_of
from stem_tui.views.cells import Cell
from stem_tui.widgets.lines import CLOSE, OPEN
from stem_tui.widgets.paint import line_strip


class Choice(Widget, can_focus=True):
    """Words side by side; left, right and space choose, a click too.

    Args:
        words: What there is to choose.
        value: What is chosen at first.
        id: Identifier for styles and queries.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "Choice { height: 1; width: 1fr; }"

    class Changed(Message):
        """Another word was chosen."""

    def __init__(self, words: Sequence[str], value: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id)
        self._words = tuple(words)
        self._at = self._words.index(value) if value in self._words else 0

    @property
    def value(self) -> str:
        """The word that is chosen."""
        return self._words[self._at]

    def render_line(self, y: int) -> Strip:
        """Draw the words, the chosen one in quotes."""
        cells: list[Cell] = []
        for place, word in enumerate(self._words):
            if place == self._at:
                tone = "strong focus" if self.has_focus else "strong"
                cells += [Cell(OPEN.strip(), "key"), Cell(word, tone), Cell(CLOSE.strip(), "key"), Cell(" ")]
            else:
                cells.append(Cell(f" {word}  ", "muted"))
        return line_strip(tuple(cells), self.size.width, styles_of(self), ground_of(self))

    def on_key(self, event: events.Key) -> None:
        """Choose the next or the previous word."""
        step = {"right": 1, "space": 1, "l": 1, "left": -1, "h": -1}.get(event.key)
        if step is not None:
            event.stop()
            self._choose((self._at + step) % len(self._words))

    def on_click(self, event: events.Click) -> None:
        """Choose the word under the mouse."""
        x = 0
        for place, word in enumerate(self._words):
            x += len(word) + 3
            if event.x < x:
                self._choose(place)
                return

    def _choose(self, place: int) -> None:
        self._at = place
        self.refresh()
        self.post_message(self.Changed())
