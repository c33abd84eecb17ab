"""The actions that change something: plan, ask, carry out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from stem_core.service import spawn
from stem_core.text import visible
from stem_tui.actions import Action, Plan, Refusal, Target, Values, named_target, pick_target, plan

if TYPE_CHECKING:
    from stem_tui.app import ConsoleApp


class Doing:
    """Carries out actions through their gates.

    Args:
        app: Whose pages say what an action is about.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._running: set[asyncio.Task[object]] = set()

    def perform(self, action: Action, argument: str = "", then: Callable[[Target], None] | None = None) -> None:
        """Ask, then do; or say why not.

        Args:
            action: What to do with the nearest thing on the page that it fits.
            argument: What was typed after its name: a field's value, or the name of the thing.
            then: Called once it was confirmed.
        """
        value, name = _split(action, argument)
        target = self._target(action, name)
        if isinstance(target, Refusal):
            self._app.say(target.reason)
            return
        planned = plan(action, self._app.session, target)
        if isinstance(planned, Refusal):
            self._app.say(planned.reason)
            return
        if value:
            planned = planned.filled(action.fills, value)
        after = partial(self._afterwards, target, then)
        if action.gate:
            self._ask(planned, after)
            return
        self._start(planned, planned.initial())
        after()

    def _target(self, action: Action, name: str) -> Target | Refusal:
        if name:
            return named_target(self._app.session, action.context, name)
        return pick_target(action, self._app.book.page.targets())

    def _afterwards(self, target: Target, then: Callable[[Target], None] | None) -> None:
        """Take back the marks of what was acted on, so that nothing is done to it twice by mistake."""
        page = self._app.book.page
        table = page.marks()
        if target.marked and table is not None:
            page.set_marks(table, page.state(table).marked.difference(target.marked))
        if then is not None:
            then(target)

    def _ask(self, planned: Plan, then: Callable[[], None]) -> None:
        """Open the dialog; what is shown behind it stands still until it is answered."""
        from stem_tui.screens.confirm import ConfirmDialog  # noqa: PLC0415 - dialogs are loaded when first used

        def decide(values: Values | None) -> None:
            if values is not None:
                self._start(planned, values)
                then()
            self._app.paint()

        prod = self._app.session.model.identity.prod
        self._app.ask(ConfirmDialog(planned, prod=prod), decide)

    def _start(self, planned: Plan, values: Values) -> None:
        task = spawn(planned.run(values), f"console-command {planned.title}")
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._app.say(visible(str(error)), "error")
        elif self._app.is_running:
            self._app.paint()

    async def close(self) -> None:
        """Let commands that are on their way end; they are bounded by the control timeout."""
        if self._running:
            await asyncio.wait(self._running, timeout=1.0)
        for task in self._running:
            task.cancel()


def _split(action: Action, argument: str) -> tuple[str, str]:
    """Return a field's value and the target's name: `8 w1` for what fills a field, `w1` for what does not."""
    if not action.fills:
        return "", argument
    value, _, name = argument.partition(" ")
    return value, name.strip()
