"""The console, with a second look at its event loop: `python -m benchmarks.watched`, set up by the environment."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path, PurePath
from typing import ClassVar, Final

from rich.console import RenderableType

import stem_tui
from stem_core.config import StemConfig
from stem_core.service import spawn
from stem_tui.app import ConsoleApp
from stem_tui.keymap import build_keymap
from stem_tui.session import Session
from stem_tui.settings import ConsoleSettings
from stem_tui.theme import load_theme

_EVERY: Final = 0.005
_AFTER: Final = 3.0
"""Seconds in which it may load and draw what it needs but once."""


class WatchedApp(ConsoleApp):
    """A console that notes by how many seconds its event loop was ever late."""

    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = Path(stem_tui.__file__).with_name("console.tcss")
    worst = 0.0

    def on_ready(self) -> None:
        """Look again and again, once it runs."""
        self.watch_task = spawn(self._look(), "bench-loop")

    async def _look(self) -> None:
        await self.clock.sleep(_AFTER)
        while True:
            due = self.clock.monotonic() + _EVERY
            await self.clock.sleep(_EVERY)
            self.worst = max(self.worst, self.clock.monotonic() - due)

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Look no longer: nobody waits for a key while it ends."""
        self.watch_task.cancel()
        super().exit(result, return_code, message)


def main() -> None:
    """Run it until it is left, and report how it went."""
    session = Session(ConsoleSettings(config=StemConfig.from_environment()))
    app = WatchedApp(session, load_theme("dark"), build_keymap())
    gc.freeze()
    app.run()
    seen = session.model.events
    report = {"read": seen.total, "missed": seen.missed, "bad": seen.undecodable, "late": app.worst * 1000}
    Path(os.environ["BENCH_REPORT"]).write_text(json.dumps(report))


if __name__ == "__main__":
    main()
