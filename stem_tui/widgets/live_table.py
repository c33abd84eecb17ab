"""A table for data that changes all the time.

It takes a `TableView` as often as one likes; its cursor follows the row's key, whatever happens to the order, and only
visible rows that look different are drawn. Widths are fixed by the columns, so no data is ever measured.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.strip import Strip

from stem_tui.theme import ground_of, styles_of
from stem_tui.views.cells import Cell, Column, Line, Row, TableView
from stem_tui.views.rows import LazyRows, keys_of
from stem_tui.widgets.columns import Place, lay_out
from stem_tui.widgets.paint import fit, tone_style
from stem_tui.widgets.panel import Look, Panel

CURSOR = "▸"
MARK = "●"
_UNDER_CURSOR = "cursor"
_EMPTY = TableView(columns=(), rows=())


class LiveTable(Panel):
    """Rows below a header, with a cursor.

    Args:
        title: On the rule, until the first view brings its own.
        prefix: Put before the view's title, such as the number of the panel.
        restless: Its rows come and go all the time: until somebody moves the cursor, it stays on whatever comes first.
        id: Identifier for styles and queries.
    """

    HEAD: ClassVar[int] = 2

    def __init__(self, title: str = "", *, prefix: str = "", restless: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(title, id=id)
        self.view = _EMPTY
        self.key: str | None = None
        self.marked: frozenset[str] = frozenset()
        self._mark_count = 0
        self._prefix = prefix
        self._index = 0
        self._at_first = restless
        self._hidden = 0
        self._laid_out: tuple[tuple[Column, ...], int, tuple[Place, ...]] = ((), 0, ())

    # Data.

    def show(self, view: TableView, marked: frozenset[str] = frozenset(), count: int | None = None) -> None:
        """Take new rows. The cursor stays on its row; if that one is gone, on its place.

        Args:
            view: The rows.
            marked: Keys of those that are marked.
            count: How many things are marked, if that is not the number of rows.
        """
        self._mark_count = len(marked) if count is None else count
        self.view = view
        self.marked = marked
        self.title = f"{self._prefix}{view.title}"
        self.note = view.note
        self._follow()
        self.repaint()

    def settle(self) -> None:
        """Let all rows show what they show now, also those that come to sight later."""
        if isinstance(self.view.rows, LazyRows):
            self.view.rows.settle()

    def select(self, key: str) -> None:
        """Put the cursor on a row, if it is there."""
        for index, row_key in enumerate(keys_of(self.view.rows)):
            if row_key == key:
                self._place_cursor(index)
                return

    @property
    def cursor_shown(self) -> bool:
        """Whether the cursor can be seen: only where keys would act."""
        return self.has_focus

    @property
    def selected(self) -> Row | None:
        """The row under the cursor, None if there are no rows."""
        rows = self.view.rows
        return rows[self._index] if rows else None

    @property
    def index(self) -> int:
        """At which row the cursor is, from 0."""
        return self._index

    def home(self) -> None:
        """Put the cursor on whatever is the first row."""
        self._index = self.top = 0

    def _places(self) -> tuple[Place, ...]:
        """Return the columns that fit, laid out again only when columns or width are others."""
        columns, width, places = self._laid_out
        if columns is not self.view.columns or width != self.size.width:
            first = self.view.columns[:1]
            hidden = min(self._hidden, max(0, len(self.view.columns) - 2))
            rest = self.view.columns[1 + hidden :]
            places = tuple(
                place._replace(at=place.at + hidden) if place.at else place
                for place in lay_out(first + rest, self.size.width)
            )
            self._laid_out = (self.view.columns, self.size.width, places)
        return places

    def _follow(self) -> None:
        rows = self.view.rows
        if not rows:
            return
        index = min(self._index, len(rows) - 1)
        if self._at_first:
            index = 0
        elif self.key is not None and rows[index].key != self.key:
            index = next((place for place, key in enumerate(keys_of(rows)) if key == self.key), index)
        self._index = index
        self.key = rows[index].key
        self._keep_in_view()

    def _keep_in_view(self) -> None:
        if self._index < self.top:
            self.top = self._index
        elif self._index >= self.top + self.room:
            self.top = self._index - self.room + 1

    def _place_cursor(self, index: int) -> None:
        rows = self.view.rows
        if not rows:
            return
        self._at_first = False
        self._index = max(0, min(index, len(rows) - 1))
        self.key = rows[self._index].key
        self._keep_in_view()
        self.repaint()

    # What the panel asks.

    def count(self) -> int:
        """Return the number of rows, or of the lines that stand in for them."""
        return len(self.view.rows) or len(self.view.empty)

    def look(self, index: int) -> Look:
        """Describe a row."""
        if not self.view.rows:
            return Look((Cell(" "), *self.view.empty[index]))
        row = self.view.rows[index]
        under = _UNDER_CURSOR if index == self._index and self.cursor_shown else ""
        return Look(row, f"{under} marked".strip() if row.key in self.marked else under)

    def rule_note(self) -> Line:
        """Say how much is marked, of which a filter may hide some."""
        note = super().rule_note()
        if not self._mark_count:
            return note
        return (Cell(f"{self._mark_count:,} marked{'  ' if note else ''}", "accent"), *note)

    def head(self, index: int) -> Line:
        """Return the headings."""
        titles = [fit(place.column.title, place.width, right=place.column.right) for place in self._places()]
        return (Cell(" "), Cell(" ".join(titles), "header"))

    def draw(self, look: Look, width: int) -> Strip:
        """Draw a row: marker, then each shown cell in its width."""
        row = look.content
        if not isinstance(row, Row):
            return super().draw(look, width)
        styles = styles_of(self)
        under = styles[""] + ground_of(self) + tone_style(row.tone, styles)
        cursor, marked = look.under.startswith(_UNDER_CURSOR), look.under.endswith("marked")
        if cursor:
            under += styles["cursor"]
        places = self._places()
        sign = MARK if marked else CURSOR if cursor else " "
        segments = [Segment(sign, under + styles["accent" if marked else "key"] if sign != " " else under)]
        for position, place in enumerate(places):
            cell = row.cells[place.at]
            style = under + tone_style(cell.tone, styles) if cell.tone else under
            gap = "" if position == len(places) - 1 else " "
            segments.append(Segment(fit(cell.text, place.width, right=place.column.right), style))
            if gap:
                segments.append(Segment(gap, under))
        return Strip(segments).adjust_cell_length(width, under)

    def move(self, lines: int) -> None:
        """Move the cursor."""
        if self.view.rows:
            self._place_cursor(self._index + lines)
        else:
            self.scroll(lines)

    def shift(self, columns: int) -> None:
        """Hide columns after the first, so that those that did not fit come to sight."""
        self._hidden = max(0, min(self._hidden + columns, len(self.view.columns) - 2))
        self._laid_out = ((), 0, ())
        self.repaint_all()

    def scroll(self, lines: int) -> None:
        """Scroll, taking the cursor along only if it would leave the view."""
        if not self.view.rows:
            super().scroll(lines)
            return
        self.top = max(0, min(self.top + lines, self.count() - self.room))
        self._place_cursor(max(self.top, min(self._index, self.top + self.room - 1)))

    # Events.

    def resized(self) -> None:
        """Keep the cursor in view."""
        self._follow()

    def on_click(self, event: events.Click) -> None:
        """Select with a click; open with a double click."""
        index = self.top + event.y - self.HEAD
        if event.y < self.HEAD or index >= len(self.view.rows):
            return
        self._place_cursor(index)
        if event.chain == 2:
            self.post_message(self.Opened())
