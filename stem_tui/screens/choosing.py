"""The lists that are opened to choose from: palette, `:` bar, sort picker, themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stem_core.errors import ConfigurationError
from stem_core.text import visible
from stem_tui.actions import ACTIONS, KINDS, NO_TARGET, Action, pick_target
from stem_tui.commander import READ_ONLY
from stem_tui.resources import theme_names
from stem_tui.screens.hints import key_signs
from stem_tui.theme import load_theme
from stem_tui.views.cells import Column

if TYPE_CHECKING:
    from stem_tui.app import ConsoleApp
    from stem_tui.screens.chooser import Chosen, Entry
    from stem_tui.screens.page import Page
    from stem_tui.widgets.live_table import LiveTable

_LETTERS = "abcdefghimnopqrstuvwxyz"  # without j and k, which move


class Choosing:
    """Opens the lists.

    Args:
        app: Whose actions and tables they are about.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    def palette(self, prompt: str, title: str) -> None:
        """Choose an action by typing a part of its name."""
        from stem_tui.screens.chooser import Chooser  # noqa: PLC0415 - dialogs are loaded when first used

        entries = [self._entry(action) for action in ACTIONS if not action.id.startswith(("nav.", "cmd."))]

        def perform(chosen: Chosen | None) -> None:
            if chosen is not None:
                self._app.call_later(self._app.action_perform, *chosen)

        self._app.ask(Chooser(title, entries, prompt=prompt, arguments=prompt == ":"), perform)

    def _entry(self, action: Action) -> Entry:
        from stem_tui.screens.chooser import Entry  # noqa: PLC0415 - dialogs are loaded when first used

        target = pick_target(action, self._app.book.page.targets())
        note, enabled, takes = "", True, action.takes
        if action.changes_cluster and self._app.session.model.identity.read_only:
            note, enabled, takes = READ_ONLY, False, ""
        elif action.context != "any" and target == NO_TARGET:
            note, enabled = f"needs a {KINDS[action.context]}", False
        elif action.context != "any":
            note = self._app.label(target)
        keys = key_signs(self._app.keymap.keys(action.id))
        return Entry(action.id, keys, action.title, note, enabled, takes, action.context != "any", action.words)

    def sort(self, column: str = "") -> None:
        """Choose the column to sort by, unless it is named."""
        from stem_tui.screens.chooser import Chooser, Entry  # noqa: PLC0415 - dialogs are loaded when first used

        page = self._app.book.page
        table = page.table()
        if table is None or not _sorting(table):
            return
        if column:
            self._sort_by(page, table, column)
            return
        state = page.state(table)
        entries = [
            Entry(
                column.key,
                letter,
                column.title,
                "" if column.key != state.sort else "reversed now" if state.reverse else "now; again reverses it",
            )
            for letter, column in zip(_LETTERS, _sorting(table), strict=False)
        ]

        def sort(chosen: Chosen | None) -> None:
            if chosen is not None:
                page.set_sort(table, chosen.id)
            self._app.paint()

        self._app.ask(Chooser("sort by", entries, at=state.sort, letters=True), sort)

    def _sort_by(self, page: Page, table: LiveTable, text: str) -> None:
        wanted = text.lower()
        for column in _sorting(table):
            if wanted in {column.key, column.title.lower()}:
                page.set_sort(table, column.key)
                return
        titles = ", ".join(column.title for column in _sorting(table))
        self._app.say(f"no column {visible(text, 20)!r}; there are {titles}")

    def theme(self, name: str = "") -> None:
        """Choose the theme, unless it is named."""
        from stem_tui.screens.chooser import Chooser, Entry  # noqa: PLC0415 - dialogs are loaded when first used

        if name:
            self._wear(name)
            return
        now = self._app.console_theme.name
        entries = [Entry(known, "", known, "now" if known == now else "") for known in theme_names()]

        def wear(chosen: Chosen | None) -> None:
            if chosen is not None:
                self._app.call_later(self._wear, chosen.id)  # once the list is gone: what is painted is the page

        self._app.ask(Chooser("theme", entries, at=now), wear)

    def _wear(self, name: str) -> None:
        try:
            self._app.wear(load_theme(name))
        except ConfigurationError as error:
            self._app.say(str(error), "error")


def _sorting(table: LiveTable) -> list[Column]:
    """Return the columns that a table can be sorted by."""
    return [column for column in table.view.columns if column.sorts]
