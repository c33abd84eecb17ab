"""What processes that serve have in common: how much they log, and how flags beat their app's own settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from stem_core.cli.options import FLAGS, Invocation
from stem_core.client.stem import Stem
from stem_core.config import DEFAULT, SETTINGS, StemConfig

LEVELS: Final = ("debug", "info", "warning", "error")


def take_flags(app: Stem, invocation: Invocation, **overrides: Any) -> None:
    """Let the flags that were given beat the app's own settings."""
    given = StemConfig.from_environment(
        {},
        flags=FLAGS,
        broker_url=invocation.broker,
        result_backend_url=invocation.backend,
        namespace=invocation.namespace,
        **overrides,
    )
    names = [name for name in SETTINGS if given.sources[name] != DEFAULT]
    sources = {**app.config.sources, **{name: given.sources[name] for name in names}}
    config = replace(app.config, **{name: getattr(given, name) for name in names}, sources=sources)
    if config != app.config:
        app.use(config)
