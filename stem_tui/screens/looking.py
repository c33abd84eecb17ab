"""The actions that only look at the page that is shown: moving, filtering, marking, copying."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from stem_tui.actions import KINDS
from stem_tui.screens.opening import Handler
from stem_tui.screens.page import Page
from stem_tui.widgets.filter_bar import FilterBar
from stem_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from stem_tui.app import ConsoleApp

FAULTS: Final = "is:trouble"
"""The filter that shows only rows in trouble."""
_FAR: Final = 1_000_000


class Looking:
    """Does the actions that change nothing but what is seen of a page.

    Args:
        app: Whose pages and panels they move in.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    def handlers(self) -> dict[str, Handler]:
        """Return what does each action, by id."""
        return {
            "nav.down": partial(self._move, 1),
            "nav.up": partial(self._move, -1),
            "nav.half_down": partial(self._half, 1),
            "nav.half_up": partial(self._half, -1),
            "nav.top": partial(self._move, -_FAR),
            "nav.end": partial(self._move, _FAR),
            "nav.left": partial(self._shift, -1),
            "nav.right": partial(self._shift, 1),
            "nav.next": partial(self._next, 1),
            "nav.prev": partial(self._next, -1),
            "nav.panel.1": partial(self._panel, 0),
            "nav.panel.2": partial(self._panel, 1),
            "nav.panel.3": partial(self._panel, 2),
            "find.filter": self._filter,
            "find.faults": self._faults,
            "mark.toggle": self._mark,
            "mark.all": self._mark_all,
            "mark.none": self._unmark,
            "copy": self._copy,
        }

    @property
    def _page(self) -> Page:
        return self._app.book.page

    # Moving

    def _move(self, lines: int) -> None:
        self._page.active.move(lines)

    def _half(self, direction: int) -> None:
        panel = self._page.active
        panel.move(direction * max(1, panel.room // 2))

    def _shift(self, direction: int) -> None:
        self._page.active.shift(direction)

    def _next(self, step: int) -> None:
        panels = list(self._page.panels())
        self._focus(panels[(panels.index(self._page.active) + step) % len(panels)])

    def _panel(self, number: int) -> None:
        page, panels = self._page, self._page.panels()
        if number >= len(panels):
            return
        if panels[number] is self._app.screen.focused:
            page.maximise(None if page.maximised else panels[number])
        else:
            self._focus(panels[number])

    def _focus(self, panel: Panel) -> None:
        page = self._page
        panel.display = True
        page.shown(panel)
        self._app.screen.set_focus(panel)  # first: hiding the panel that has the focus would send it elsewhere
        if page.maximised is not None:
            page.maximise(panel)

    # Filter

    async def _filter(self, text: str = "") -> None:
        """Open the line to type a filter in, unless it is given."""
        panel = self._page.filtered()
        if panel is not None and text:
            self._page.set_filter(panel, text)
        elif panel is not None and not self._app.screen.query(FilterBar):
            await self._app.mount(FilterBar(self._page.state(panel).filter, panel), before="#receipt")

    def _faults(self) -> None:
        page = self._page
        panel = page.filtered()
        if panel is not None:
            page.set_filter(panel, "" if page.state(panel).filter == FAULTS else FAULTS)

    async def filter_changed(self, event: FilterBar.Changed) -> None:
        """Narrow the panel; when the bar closes, give the focus back."""
        self._page.set_filter(event.panel, event.text)
        if event.closed:
            event.panel.focus()
            await self._app.screen.query(FilterBar).remove()

    # Marks

    def _mark(self) -> None:
        """Mark the selected row, or take its mark back, and go to the next one."""
        page, table = self._page, self._page.marks()
        row = table.selected if table is not None else None
        if table is None or row is None:
            self._app.say("there is nothing to mark here")
            return
        page.mark(table, row.key)
        table.move(1)

    def _mark_all(self) -> None:
        page, table = self._page, self._page.marks()
        if table is None:
            self._app.say("there is nothing to mark here")
        else:
            told = page.mark_all(table)
            if told:
                self._app.say(told)

    def _unmark(self) -> None:
        table = self._page.marks()
        if table is not None:
            self._page.set_marks(table, ())

    # Copy

    def _copy(self) -> None:
        target = next(iter(self._page.targets()), None)
        if target is None:
            self._app.say("nothing is selected")
            return
        self._app.copy_to_clipboard(target.name)
        self._app.say(f"copied the id of the {KINDS[target.kind]}", "success")
