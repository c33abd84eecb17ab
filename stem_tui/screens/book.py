"""The stack of pages. Opening goes deeper, closing comes back to where one was."""

from __future__ import annotations

from textual.containers import Container
from textual.widget import Widget

from stem_tui.screens.page import Page


class Book(Container):
    """Pages, of which the topmost is shown. The others keep their cursors, filters and scrolling."""

    def __init__(self, first: Page) -> None:
        super().__init__(id="pages")
        self._pages: list[Page] = [first]
        self._places: list[Widget | None] = []

    def on_mount(self) -> None:
        """Show the first page, with the focus on its first panel."""
        self.call_next(self._start)

    async def _start(self) -> None:
        await self.mount(self.page)
        self.page.panels()[0].focus()

    @property
    def page(self) -> Page:
        """The page that is shown."""
        return self._pages[-1]

    @property
    def depth(self) -> int:
        """How many pages lie below it."""
        return len(self._pages) - 1

    def crumbs(self) -> list[str]:
        """Return the way to this page."""
        return [page.crumb for page in self._pages]

    async def open(self, page: Page) -> None:
        """Show a page above the current one. One that is open already is gone back to."""
        for below in self._pages:
            if type(below) is type(page) and below.subject == page.subject:
                while self.page is not below:
                    await self.back()
                return
        self._places.append(self.screen.focused)
        self.page.display = False
        self.page.leave()
        self._pages.append(page)
        page.enter()
        await self.mount(page)
        self.screen.set_focus(page.panels()[0])

    async def back(self) -> bool:
        """Close the current page; False if it is the first one."""
        if not self.depth:
            return False
        gone = self._pages.pop()
        gone.leave()
        self.page.enter()
        self.page.display = True
        place = self._places.pop()
        # At once, and before the page is gone: Textual would give the focus to some other panel, and keys with it.
        self.screen.set_focus(place if place is not None else self.page.panels()[0])
        await gone.remove()
        return True
