"""The actions that change something: plan, ask, carry out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from stem_core.service import spawn
from stem_core.text import visible
from stem_tui.actions import Action, Plan, Refusal, Values, pick_target, plan

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

    def perform(self, action: Action, then: Callable[[], None] | None = None) -> None:
        """Ask, then do; or say why not.

        Args:
            action: What to do with the nearest thing on the page that it fits.
            then: Called once it was confirmed.
        """
        target = pick_target(action, self._app.book.page.targets())
        planned = plan(action, self._app.session, target)
        if isinstance(planned, Refusal):
            self._app.say(planned.reason)
        elif action.gate:
            self._ask(planned, then)
        else:
            self._start(planned, planned.initial())

    def _ask(self, planned: Plan, then: Callable[[], None] | None) -> None:
        """Open the dialog; what is shown behind it stands still until it is answered."""
        from stem_tui.screens.confirm import ConfirmDialog  # noqa: PLC0415 - dialogs are loaded when first used

        def decide(values: Values | None) -> None:
            if values is not None:
                self._start(planned, values)
                if then is not None:
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
