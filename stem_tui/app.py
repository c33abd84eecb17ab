"""The console: screen, keys and paint loop. It holds nothing of the cluster; that is the session's."""

from __future__ import annotations

import asyncio
import inspect
import signal
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import ClassVar, Final, TypeVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import ModalScreen, Screen

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.service import cancel, spawn
from stem_core.text import visible
from stem_tui.actions import ACTIONS, Target, find_action, going_work
from stem_tui.keymap import Keymap
from stem_tui.screens.book import Book
from stem_tui.screens.choosing import Choosing
from stem_tui.screens.doing import Doing
from stem_tui.screens.footer import footer_hints
from stem_tui.screens.looking import Looking
from stem_tui.screens.opening import Handler, Opening
from stem_tui.screens.overview import OverviewPage
from stem_tui.screens.status import breadcrumb
from stem_tui.session import Session
from stem_tui.terminal import TerminalDriver
from stem_tui.theme import ConsoleTheme
from stem_tui.views import Frozen, header_line, receipt_line, verdict_line
from stem_tui.views.cells import Cell, Line
from stem_tui.widgets.filter_bar import FilterBar
from stem_tui.widgets.lines import Footer, StatusLine
from stem_tui.widgets.panel import Panel

PAINT_EVERY: Final = 0.25
"""Seconds. Four times a second is enough for eyes, and leaves the processor to the keys."""
EXIT_CRASH: Final = 70
_SAY_FOR: Final = 6.0
"""Seconds for which a message stands in the place of the receipt."""
Answer = TypeVar("Answer")
_WIDTHS: Final = [(0, "-tiny"), (60, "-wide")]
_HEIGHTS: Final = [(0, "-short"), (16, "-tall")]
_NEVER: Final = (-1, float("-inf"))


class ConsoleScreen(Screen[None], inherit_bindings=False):
    """A screen without keys of its own: tab and all others come from the registry."""


class ConsoleApp(App[int], inherit_bindings=False):
    """The screen, its keys and its clock.

    Args:
        session: The cluster: state, commands, local workers.
        theme: Colours.
        keymap: Which keys do what.
        clock: Time.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = "console.tcss"
    TITLE: str | None = "stem"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = _WIDTHS
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = _HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(",".join(action.keys), f"perform('{action.id}')", action.title, id=action.id, show=False)
            for action in ACTIONS
            if action.keys
        ),
        Binding("ctrl+c", "perform('quit.now')", "quit", show=False, priority=True),
    ]

    def __init__(self, session: Session, theme: ConsoleTheme, keymap: Keymap, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self.animation_level = "none"
        self.session = session
        self.console_theme = theme
        self.keymap = keymap
        self.clock = clock
        self.failure: BaseException | None = None
        self.frozen: Frozen | None = None
        self.book = Book(OverviewPage(session))
        self._header = StatusLine(id="header")
        self._verdict = StatusLine(id="verdict")
        self._receipt = StatusLine(id="receipt")
        self._footer = Footer(id="footer")
        self._looking = Looking(self)
        self._opening = Opening(self)
        self._doing = Doing(self)
        self._after: dict[str, Callable[[Target], None]] = {
            "local.start": lambda _target: self._later(self._opening.local),
            "worker.inspect": lambda target: self._later(self._opening.inspection, target),
        }
        self._task: asyncio.Task[object] | None = None
        self._painted: tuple[int, float] = _NEVER
        self._said: tuple[Line, float] | None = None
        self._handlers = {**self._looking.handlers(), **self._opening.handlers(), **self._own_handlers()}
        self.register_theme(theme.textual)
        self.theme = theme.textual.name
        self.set_keymap(keymap.bindings())
        for action in ACTIONS:
            keys = keymap.keys(action.id)
            if keys and not action.keys:  # Textual's keymap replaces keys; what has none of its own is bound here
                self.bind(",".join(keys), f"perform('{action.id}')", description=action.title, show=False)

    def get_driver_class(self) -> type[Driver]:
        """Return our own driver in place of Textual's for terminals; a browser's, say, stays."""
        driver = super().get_driver_class()
        return TerminalDriver if driver is LinuxDriver else driver

    def get_default_screen(self) -> Screen[None]:
        """Return the one screen below the dialogs."""
        return ConsoleScreen(id="_default")

    def _own_handlers(self) -> dict[str, Handler]:
        choosing = Choosing(self)
        return {
            "view.sort": choosing.sort,
            "view.freeze": self.freeze,
            "view.theme": choosing.theme,
            "cmd.bar": lambda: choosing.palette(":", "command"),
            "cmd.palette": lambda: choosing.palette(">", "palette"),
            "cmd.refresh": self.session.refresh,
            "quit": self._back_or_quit,
            "quit.now": self._quit,
        }

    def compose(self) -> ComposeResult:
        """Two lines of meaning, the pages, two lines of meaning."""
        yield self._header
        yield self._verdict
        yield self.book
        yield self._receipt
        yield self._footer

    # Life

    def on_mount(self) -> None:
        """Draw first, connect then."""
        self.set_interval(PAINT_EVERY, self.tick)
        self.call_after_refresh(self._start)
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.exit, 0)

    def _start(self) -> None:
        self.paint()
        self._task = spawn(self.session.run(), "console-session")
        self._task.add_done_callback(self._session_ended)

    def _session_ended(self, task: asyncio.Task[object]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._handle_exception(error)

    async def on_unmount(self) -> None:
        """Let the session go."""
        task, self._task = self._task, None
        if task is not None:
            task.remove_done_callback(self._session_ended)
            if not task.done():
                await cancel(task)
        await self._doing.close()
        await self.session.close()

    def _fatal_error(self) -> None:
        """Leave the terminal as it was; whoever started the app reports the failure."""
        self.failure = self.failure or self._exception
        self._close_messages_no_wait()

    # Painting

    def tick(self) -> None:
        """Paint, if anything can look different now: after a change, and once a second because ages grow."""
        version, at = self._painted
        if version != self.session.model.version or self.clock.monotonic() - at >= 1.0:
            self.paint()

    def paint(self) -> None:
        """Pull all views. Behind a dialog, and while frozen, the page stands still."""
        if isinstance(self.screen, ModalScreen) or not self.book.is_mounted or not self.book.page.is_mounted:
            return
        now = self.clock.monotonic()
        self._painted = (self.session.model.version, now)
        if self.frozen is None:
            self.book.page.paint(now)
        else:
            self.book.page.settle()
        self._paint_status(now)

    def _paint_status(self, now: float) -> None:
        model, book = self.session.model, self.book
        self._header.show(header_line(model, now, self.size.width, self.frozen))
        if self.frozen is None:
            second = breadcrumb(book.crumbs(), book.page.place()) if book.depth else verdict_line(model, now)
            self._verdict.show(second)
        if self._said is not None and now >= self._said[1]:
            self._said = None
        last = self._said[0] if self._said is not None else receipt_line(model, now)
        self._receipt.show(last)
        self._footer.show_hints(footer_hints(self.keymap, book.page))

    def freeze(self) -> None:
        """Stop pulling data, or go on."""
        frozen = Frozen(self.clock.monotonic(), self.session.model.events.total)
        self.frozen = frozen if self.frozen is None else None

    def say(self, text: str, tone: str = "warning") -> None:
        """Say something where the receipt stands, for a few seconds or until the next key."""
        self._said = ((Cell(f" {visible(text)}", tone),), self.clock.monotonic() + _SAY_FOR)
        self.paint()

    def ask(self, dialog: Screen[Answer], decide: Callable[[Answer | None], None]) -> None:
        """Open a dialog over the page, which stands still until it is answered."""
        _ = self.push_screen(dialog, decide)  # nobody waits: the answer comes to `decide`

    def label(self, target: Target) -> str:
        """Return what a target is called on screen."""
        return f"{len(target.marked):,} marked" if target.marked else visible(target.name, 40)

    # Actions

    async def action_perform(self, action_id: str, argument: str = "") -> None:
        """Do the action of that id, with what was typed after its name, and paint what it touched at once."""
        self._said = None
        handler = self._handlers.get(action_id)
        action = find_action(action_id)
        if handler is not None:
            waiting = handler(argument) if argument else handler()
            if inspect.isawaitable(waiting):
                await waiting
        elif action is not None:
            self._doing.perform(action, argument, self._after.get(action_id))
        self.paint()

    def wear(self, theme: ConsoleTheme) -> None:
        """Put another theme on, and draw everything in it."""
        self.console_theme = theme
        self.register_theme(theme.textual)
        self.theme = theme.textual.name
        for panel in self.query(Panel):
            panel.repaint_all()
        self.refresh(layout=True)

    def _later(self, show: Callable[..., Awaitable[None]], *values: object) -> None:
        self.call_later(show, *values)

    async def _back_or_quit(self) -> None:
        if not await self.book.back():
            self._quit()

    def _quit(self) -> None:
        alive, going = self.session.local.alive, self._going()
        if not (alive or going) or isinstance(self.screen, ModalScreen):
            self.exit(0)
            return
        from stem_tui.screens.quit import QuitDialog  # noqa: PLC0415 - dialogs are loaded when first used

        def decide(leave: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
            if leave:
                self.exit(0)

        self.ask(QuitDialog(alive, going), decide)

    def _going(self) -> str:
        """Return what would be broken off by leaving, and how far it is."""
        going = going_work(self.session)
        return f"{going[-1].title} {going[-1].target}, {going[-1].note}" if going else ""

    # Messages

    @on(Footer.Pressed)
    async def footer_pressed(self, event: Footer.Pressed) -> None:
        """A click on a key does what the key does."""
        await self.action_perform(event.action)

    @on(Panel.Opened)
    async def panel_opened(self) -> None:
        """A double click opens."""
        await self.action_perform("nav.open")

    @on(FilterBar.Changed)
    async def filter_changed(self, event: FilterBar.Changed) -> None:
        """Narrow what is shown."""
        await self._looking.filter_changed(event)
        self.paint()

    def on_descendant_focus(self) -> None:
        """Show the keys of the panel that has the focus now."""
        self._painted = _NEVER
