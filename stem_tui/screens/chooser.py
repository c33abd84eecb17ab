"""Choosing from a list by typing a part of a name: the palette, the `:` bar, the sort picker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.fuzzy import FuzzySearch

from stem_tui.screens.dialog import Dialog, LineInput, block
from stem_tui.views.cells import Cell, Column, Row, TableView
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.panel import Panel

_COLUMNS: Final = (Column("key", "", 9), Column("title", "", 20, flex=True), Column("note", "", 26, rank=1))


class Entry(NamedTuple):
    """One thing to choose.

    Args:
        id: What choosing returns.
        key: Shown at the left: how to do it without the list.
        title: Its name.
        note: Shown at the right; for what cannot be chosen, why not.
        enabled: Whether it can be chosen.
        takes: What may be typed after its name, as shown; empty for nothing.
        named: Whether that names what it acts on, so that nothing need be selected.
        words: Further names.
    """

    id: str
    key: str
    title: str
    note: str = ""
    enabled: bool = True
    takes: str = ""
    named: bool = False
    words: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All that it is found by."""
        return (self.title.lower(), self.id.lower(), self.id.lower().replace(".", " ").replace("_", " "), *self.words)

    def begins(self, word: str) -> bool:
        """Whether one of its names begins so."""
        return any(name.startswith(word.lower()) for name in self.names)


class Chosen(NamedTuple):
    """What was chosen, and what was typed after its name."""

    id: str
    argument: str = ""


def ranked(entries: Sequence[Entry], query: str) -> list[Entry]:
    """Return the entries that match, best first. What starts with the query comes before what merely contains it."""
    words = query.strip().lower()
    if not words:
        return list(entries)
    fuzzy = FuzzySearch()
    scored: list[tuple[float, int, Entry]] = []
    for place, entry in enumerate(entries):
        names = entry.names
        score = max(fuzzy.match(words, name)[0] for name in names)
        if words in names or words == entry.key:
            score += 2000
        elif any(name.startswith(words) for name in names):
            score += 1000
        if score > 0:
            scored.append((-score, place, entry))
    return [entry for _, _, entry in sorted(scored, key=lambda item: item[:2])]


def with_argument(entries: Sequence[Entry], query: str) -> tuple[str, str]:
    """Split `scale 8` into what is looked for and what follows it, if an entry of that name takes something."""
    word, _, rest = query.strip().partition(" ")
    known = any(entry.takes and entry.begins(word) for entry in entries)
    return (word, rest.strip()) if word and known else (query, "")


class _Choices(LiveTable):
    """The list below the input, without rule or header, whose cursor is always shown."""

    can_focus = False
    HEAD: ClassVar[int] = 0

    @property
    def cursor_shown(self) -> bool:
        return True


class Chooser(Dialog[Chosen]):
    """A line to type in, and the entries that match. Enter chooses.

    Args:
        title: On the box.
        entries: What there is to choose.
        prompt: Before the input, such as `:`.
        at: Id of the entry on which the cursor starts.
        letters: Whether a key of an entry chooses it at once, instead of typing.
        arguments: Whether something may be typed after an entry's name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", "next", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", "previous", show=False, priority=True),
        Binding("pagedown", "move(10)", "page down", show=False, priority=True),
        Binding("pageup", "move(-10)", "page up", show=False, priority=True),
        Binding("enter", "choose", "choose", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        entries: Sequence[Entry],
        *,
        prompt: str = ">",
        at: str = "",
        letters: bool = False,
        arguments: bool = False,
    ) -> None:
        super().__init__()
        self._title = title
        self._entries = tuple(entries)
        self._prompt = prompt
        self._at = at
        self._letters = letters
        self._arguments = arguments
        self._argument = ""
        self._table = _Choices(id="choices")

    def compose(self) -> ComposeResult:
        """Lay out the input above the list."""
        with self.box(self._title):
            if not self._letters:
                with Horizontal(id="prompt"):
                    yield block((Cell(f"{self._prompt} ", "key"),))
                    yield LineInput(id="query")
            yield self._table

    def on_mount(self) -> None:
        """Show all entries."""
        self._table.styles.height = min(len(self._entries), 14)
        self._show("")
        if self._at:
            self._table.select(self._at)

    def _show(self, query: str) -> None:
        words, self._argument = with_argument(self._entries, query) if self._arguments else (query, "")
        fitting = [entry for entry in self._entries if not self._argument or (entry.takes and entry.begins(words))]
        rows = tuple(map(self._row, ranked(fitting, words)))
        self._table.key = None
        self._table.show(TableView(_COLUMNS, rows, empty=((Cell("nothing matches", "muted"),),)))
        if rows:
            self._table.select(rows[0].key)

    def _row(self, entry: Entry) -> Row:
        """An entry that takes what was typed after it can be chosen, whatever is selected on the page."""
        given = self._argument if entry.takes else ""
        usable = entry.enabled or (bool(given) and entry.named)
        wants = f"  {given or entry.takes}" if self._arguments and entry.takes else ""
        title = Cell(f"{entry.title}{wants}", "accent" if given else "")
        note = Cell("" if given else entry.note, "muted")
        return Row(entry.id, (Cell(entry.key, "key" if usable else ""), title, note), "" if usable else "muted")

    @on(LineInput.Changed, "#query")
    def narrow(self, event: LineInput.Changed) -> None:
        """Show what matches."""
        self._show(event.value)

    def on_key(self, event: events.Key) -> None:
        """Choose by letter, where letters choose."""
        if not self._letters:
            return
        for entry in self._entries:
            if event.character and entry.key == event.character and entry.enabled:
                event.stop()
                self.answer(Chosen(entry.id))
                return
        if event.key in {"j", "k"}:
            self.action_move(1 if event.key == "j" else -1)

    def action_move(self, rows: int) -> None:
        """Move in the list."""
        self._table.move(rows)

    def action_choose(self) -> None:
        """Answer with the entry under the cursor, if it can be chosen."""
        row = self._table.selected
        if row is not None and row.tone != "muted":
            entry = next(entry for entry in self._entries if entry.id == row.key)
            self.answer(Chosen(row.key, self._argument if entry.takes else ""))

    @on(Panel.Opened)
    def open_row(self) -> None:
        """Choose with a double click."""
        self.action_choose()
