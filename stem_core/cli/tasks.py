"""`stem tasks …`: the tasks that an app defines."""

from __future__ import annotations

import inspect
import sys
from contextlib import redirect_stdout
from dataclasses import fields
from typing import Any

import click

from stem_core.cli.options import json_option
from stem_core.cli.output import write_json, write_table
from stem_core.client.app import load_app
from stem_core.client.stem import Stem
from stem_core.durations import format_duration, seconds
from stem_core.options import TaskOptions
from stem_core.retry import TaskRetryPolicy
from stem_core.tasks.handler import FunctionTaskHandler, TaskHandler, execution_of


@click.group()
def tasks() -> None:
    """Look at the tasks that an app defines. For those that were sent, see stem task."""


@tasks.command("ls", epilog="Example: stem tasks ls --app examples.email:stem --json")
@click.option("--app", required=True, metavar="M:A", help="The Stem to look into, as package.module:attribute.")
@json_option
def list_(app: str, as_json: bool) -> None:
    """Show an app's tasks. Options are shown where they differ from the defaults."""
    with redirect_stdout(sys.stderr):  # which takes what the app prints while it is imported
        stem = load_app(app)
    documents = [_document(stem, stem.registry.get(name)) for name in stem.registry.names()]
    if as_json:
        write_json(documents)
        return
    rows = [
        (each["name"], each["description"], each["queue"], each["runs"], _options_text(each["options"]))
        for each in documents
    ]
    write_table(["NAME", "DESCRIPTION", "QUEUE", "RUNS", "OPTIONS"], rows, f"{app} has no tasks")


def _document(stem: Stem, handler: TaskHandler[Any]) -> dict[str, Any]:
    route = stem.routing.route(handler.name, usual=handler.options)
    usual = TaskOptions()
    options = {
        field.name: _plain(getattr(handler.options, field.name))
        for field in fields(TaskOptions)
        if field.name != "queue" and getattr(handler.options, field.name) != getattr(usual, field.name)
    }
    return {
        "name": handler.name,
        "description": _description(handler),
        "queue": route.queue if route.broadcast is None else None,
        "broadcast": route.broadcast,
        "runs": execution_of(handler),
        "options": options,
    }


def _description(handler: TaskHandler[Any]) -> str:
    subject = handler.function if isinstance(handler, FunctionTaskHandler) else type(handler)
    text = subject.__doc__ if subject.__doc__ is not TaskHandler.__doc__ else None
    return (inspect.cleandoc(text) if text else "").partition("\n")[0]


def _plain(value: Any) -> Any:
    if isinstance(value, TaskRetryPolicy):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, bool | int | float | str | None) else seconds(value)


def _options_text(options: dict[str, Any]) -> str:
    return " ".join(f"{name}={_short(name, value)}" for name, value in options.items())


def _short(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    limited = name.endswith(("limit", "timeout", "ttl", "expires"))
    return format_duration(value) if limited and isinstance(value, int | float) else str(value)
