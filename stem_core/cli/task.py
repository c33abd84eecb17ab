"""`stem task …`: what became of a task."""

from __future__ import annotations

import json

import click
import msgspec

from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import write_json, write_line
from stem_core.client.cluster import ClusterClient
from stem_core.errors import StemError
from stem_core.results import TaskStatus
from stem_core.text import visible_lines

_MAX_TRACEBACK_LINES = 60


@click.group()
def task() -> None:
    """Look at single tasks."""


@task.command()
@click.argument("task_id", metavar="ID")
@cluster_options
def show(invocation: Invocation, task_id: str) -> None:
    """Show all that is known of a task."""

    async def look(cluster: ClusterClient) -> TaskStatus | None:
        return await cluster.task(task_id)

    status = invocation.run(look)
    if status is None:
        raise StemError(f"nothing is known of task {task_id!r}", "look for a typing error; results are kept for a time")
    if invocation.as_json:
        write_json(status)
        return
    for name in status.__struct_fields__:
        value = getattr(status, name)
        if name != "error" and value not in (None, ""):
            write_line(f"{name + ':':<13}{_shown(name, value)}")
    if status.error is not None:
        write_line(f"{'error:':<13}{status.error.type}: {status.error.message}")
        for line in visible_lines(status.error.traceback, _MAX_TRACEBACK_LINES):
            write_line(f"  {line}")


def _shown(name: str, value: object) -> str:
    if name.endswith("_at") and isinstance(value, float):
        from datetime import datetime  # noqa: PLC0415 - only people need a date

        return datetime.fromtimestamp(value).astimezone().isoformat(sep=" ", timespec="milliseconds")
    if name in ("args", "result"):
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
    return str(value)
