"""The actions that open pages, and close them again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from stem_tui.actions import Refusal, Target, named_target
from stem_tui.screens.detail import QueuePage, TaskPage, WorkerPage
from stem_tui.screens.letter_page import LetterPage
from stem_tui.screens.letters_page import LettersPage
from stem_tui.screens.local_page import LocalPage
from stem_tui.screens.outcomes_page import OutcomesPage
from stem_tui.screens.page import Page
from stem_tui.screens.schedules_page import SchedulePage, SchedulesPage
from stem_tui.screens.text_pages import HelpPage, InspectionPage, ReceiptsPage

if TYPE_CHECKING:
    from stem_tui.app import ConsoleApp

Handler: TypeAlias = Callable[..., Awaitable[None] | None]
"""What does an action; those that take something get it as their argument."""

_PAGES: Final[Mapping[str, Callable[..., Page]]] = {
    "queue": QueuePage,
    "worker": WorkerPage,
    "task": TaskPage,
    "letter": LetterPage,
    "schedule": SchedulePage,
}


class Opening:
    """Opens pages.

    Args:
        app: Whose pages they are.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    def handlers(self) -> dict[str, Handler]:
        """Return what does each action, by id."""
        return {
            "nav.open": self._open,
            "nav.back": self._back,
            "view.describe": self._open,
            "view.help": self._help,
            "go.queue": partial(self._go, "queue"),
            "go.worker": partial(self._go, "worker"),
            "go.task": partial(self._go, "task"),
            "go.overview": self._overview,
            "go.dead": self._dead,
            "go.causes": self._causes,
            "go.outcomes": lambda: self._show(OutcomesPage(self._app.session)),
            "go.schedules": lambda: self._show(SchedulesPage(self._app.session)),
            "go.receipts": lambda: self._show(ReceiptsPage(self._app.session)),
            "go.local": self.local,
        }

    @property
    def _page(self) -> Page:
        return self._app.book.page

    async def _show(self, page: Page) -> None:
        await self._app.book.open(page)

    async def _open(self) -> None:
        if not self._page.open_in_place():
            await self._detail(self._page.opened())

    async def _detail(self, target: Target) -> None:
        make = _PAGES.get(target.kind)
        if make is not None:
            await self._show(make(self._app.session, target))

    async def _go(self, kind: str, name: str = "") -> None:
        """Open what is named, or what is selected."""
        selected = next((target for target in self._page.targets() if target.kind == kind), None)
        target = named_target(self._app.session, kind, name) if name else selected
        if target is None:
            self._app.say(f"name the {kind}: type  :{kind} NAME")
        elif isinstance(target, Refusal):
            self._app.say(target.reason)
        else:
            await self._detail(target)

    async def _overview(self) -> None:
        while await self._app.book.back():
            pass

    async def _back(self) -> None:
        page = self._page
        panel = page.filtered()
        if page.maximised is not None:
            page.maximise(None)
        elif page.back_in_place():
            return
        elif panel is not None and page.state(panel).filter:
            page.set_filter(panel, "")
        else:
            await self._app.book.back()

    async def _help(self) -> None:
        page = self._page
        if not isinstance(page, HelpPage):
            await self._show(HelpPage(self._app.session, self._app.keymap, page))

    async def local(self) -> None:
        """Show the worker processes of this console."""
        await self._show(LocalPage(self._app.session))

    async def inspection(self, worker: Target) -> None:
        """Show what a worker answers."""
        await self._show(InspectionPage(self._app.session, worker))

    # Dead letters

    async def _dead(self, queue: str = "") -> None:
        """List the dead letters of the queue that is named or looked at, or else of all."""
        page = await self._letters(queue)
        if page is not None:
            page.group(grouped=False)

    async def _causes(self) -> None:
        """Group dead letters by cause, or list them again."""
        page = self._page
        if isinstance(page, LettersPage):
            page.group(grouped=not page.grouped)
            return
        opened = await self._letters()
        if opened is not None:
            opened.group(grouped=True)

    async def _letters(self, queue: str = "") -> LettersPage | None:
        session, page = self._app.session, self._page
        if isinstance(page, LettersPage) and not queue:
            return page
        target = named_target(session, "queue", queue) if queue else page.subject
        if isinstance(target, Refusal):
            self._app.say(target.reason)
            return None
        await self._show(LettersPage(session, Target("letters", target.key if target.kind == "queue" else "")))
        opened = self._page
        return opened if isinstance(opened, LettersPage) else None
