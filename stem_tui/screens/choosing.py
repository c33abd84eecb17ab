"""The lists that are opened to choose from: palette, `:` bar, sort picker. All come from the registry or the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stem_tui.actions import ACTIONS, NO_TARGET, Action, pick_target
from stem_tui.commander import READ_ONLY
from stem_tui.screens.hints import key_signs

if TYPE_CHECKING:
    from stem_tui.app import ConsoleApp
    from stem_tui.screens.chooser import Entry

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

        def perform(action_id: str | None) -> None:
            if action_id is not None:
                self._app.call_later(self._app.action_perform, action_id)

        self._app.ask(Chooser(title, entries, prompt=prompt), perform)

    def _entry(self, action: Action) -> Entry:
        from stem_tui.screens.chooser import Entry  # noqa: PLC0415 - dialogs are loaded when first used

        target = pick_target(action, self._app.book.page.targets())
        note, enabled = "", True
        if action.changes_cluster and self._app.session.model.identity.read_only:
            note, enabled = READ_ONLY, False
        elif action.context != "any" and target == NO_TARGET:
            note, enabled = f"needs a {action.context}", False
        elif action.context != "any":
            note = self._app.label(target)
        return Entry(action.id, key_signs(self._app.keymap.keys(action.id)), action.title, note, enabled)

    def sort(self) -> None:
        """Choose the column to sort by."""
        from stem_tui.screens.chooser import Chooser, Entry  # noqa: PLC0415 - dialogs are loaded when first used

        page = self._app.book.page
        table = page.table()
        if table is None:
            return
        state = page.state(table)
        entries = [
            Entry(
                column.key,
                letter,
                column.title,
                "" if column.key != state.sort else "reversed now" if state.reverse else "now; again reverses it",
            )
            for letter, column in zip(_LETTERS, table.view.columns, strict=False)
        ]

        def sort(key: str | None) -> None:
            if key is not None:
                page.set_sort(table, key)
            self._app.paint()

        self._app.ask(Chooser("sort by", entries, at=state.sort, letters=True), sort)
