"""From settings to a running console, and from its end to an exit code."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import traceback
from dataclasses import replace

from stem_core.text import visible
from stem_tui.app import EXIT_CRASH, ConsoleApp
from stem_tui.keymap import build_keymap
from stem_tui.session import Session
from stem_tui.settings import ConsoleSettings
from stem_tui.theme import load_theme


def launch(settings: ConsoleSettings) -> int:
    """Run the console until it is left.

    Returns:
        The exit code: 0, or 70 after a crash, which is told in one line.

    Raises:
        ConfigurationError: The theme or the keys are not usable.
    """
    theme = load_theme(settings.theme)
    keymap = build_keymap(settings.keys, settings.keys_file)
    app = ConsoleApp(_demo(settings) if settings.demo else Session(settings), theme, keymap)
    gc.freeze()  # what was loaded stays; a collection that looked at all of it would hold the keys up
    app.run()
    if app.failure is not None:
        message = visible(f"{type(app.failure).__name__}: {app.failure}", 200)
        report = _report(app.failure)
        sys.stderr.write(f"stem-tui: the console crashed: {message}; the cluster is untouched; report: {report}\n")
        return EXIT_CRASH
    return app.return_value or 0


def _report(failure: BaseException) -> str:
    """Write the traceback to a file of its own, and return where."""
    with tempfile.NamedTemporaryFile("w", prefix="stem-tui-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exception(failure, file=file)
        return file.name


def _demo(settings: ConsoleSettings) -> Session:
    """Return a session of the embedded cluster; what it commands and starts goes there, whatever else is set."""
    from stem_tui.demo import APP, DemoSource  # noqa: PLC0415 - only the demo runs workers of its own

    for variable in [name for name in os.environ if name.startswith("STEM_")]:
        del os.environ[variable]  # stores, keys and routes of other clusters are no business of the demo's workers
    source = DemoSource(issuer=settings.issuer)
    return Session(replace(settings, config=source.config, app=settings.app or APP), source)
