"""`stem config`: the settings in effect, and where each came from."""

from __future__ import annotations

from typing import Any, Final

import click

from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import write_json, write_table
from stem_core.config import SETTINGS
from stem_core.urls import redact_url

_KEYS: Final = ("signing_keys", "signing_public_keys", "signing_private_keys")
"""Of these the ids are shown, and nothing else."""


@click.command(epilog="Example: stem config --json")
@cluster_options
def config(invocation: Invocation) -> None:
    """Show the settings in effect, and where each came from. Passwords are hidden."""
    settings = invocation.config()
    values = {name: _shown(name, getattr(settings, name)) for name in SETTINGS}
    if invocation.as_json:
        write_json({name: {"value": value, "source": settings.sources[name]} for name, value in values.items()})
        return
    rows = [(name, _text(value), settings.sources[name], SETTINGS[name].variable) for name, value in values.items()]
    write_table(["SETTING", "VALUE", "FROM", "VARIABLE"], rows, "")


def _shown(name: str, value: Any) -> Any:
    if name in _KEYS:
        return [key.id for key in value]
    return redact_url(value) if name.endswith("_url") and value is not None else value


def _text(value: Any) -> str | None:
    if isinstance(value, tuple | list):
        return ", ".join(value) or None
    return None if value is None else str(value)
