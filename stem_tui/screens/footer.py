"""The keys of the moment, from the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from stem_tui.actions import ACTIONS, Action
from stem_tui.keymap import Keymap
from stem_tui.screens.hints import key_sign
from stem_tui.screens.page import Page
from stem_tui.widgets.lines import Hint


def _markable(page: Page) -> bool:
    table = page.marks()
    return table is not None and table.selected is not None


_NEEDED: Final[Mapping[str, Callable[[Page], bool]]] = {
    "nav.open": lambda page: page.opens,
    "find.filter": lambda page: page.filtered() is not None,
    "view.sort": lambda page: page.table() is not None,
    "mark.toggle": _markable,
}
"""What a page must have for an action to do anything, beside a target."""


def footer_hints(keymap: Keymap, page: Page) -> list[Hint]:
    """Return what the footer shows on a page: first what the selection can be told, then what always works."""
    usable = [action for action in ACTIONS if _belongs(action, page) and keymap.keys(action.id)]
    usable.sort(key=lambda action: (action.id != "nav.open", action.context == "any", not action.pages))
    return [Hint(action.id, key_sign(keymap.keys(action.id)[0]), _short(action)) for action in usable]


def _belongs(action: Action, page: Page) -> bool:
    possible = _NEEDED.get(action.id)
    if not action.footer or (possible is not None and not possible(page)):
        return False
    return (not action.pages or page.CONTEXT in action.pages) and works_on(action, page)


def works_on(action: Action, page: Page) -> bool:
    """Whether the page has something that the action can act on."""
    return action.context == "any" or any(target.kind == action.context for target in page.targets())


def _short(action: Action) -> str:
    """Return its short name, or the first word of the title: what it acts on is selected on the screen anyway."""
    return action.short or action.title.partition(" ")[0]
