"""`stem task …`: what became of a task."""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec

from stem_core.cli.names import PATTERN, QUEUES, TASK_ID, split_names
from stem_core.cli.options import Invocation, cluster_options, reveal_option
from stem_core.cli.output import local_time, short_moment, write_json, write_line, write_note, write_table
from stem_core.cli.values import PERIOD
from stem_core.client.cluster import ClusterClient
from stem_core.client.listing import TaskFilter
from stem_core.errors import StemError, UsageError
from stem_core.results import TaskStatus
from stem_core.states import TaskState
from stem_core.text import visible_lines

_MAX_TRACEBACK_LINES = 60


@click.group()
def task() -> None:
    """Look at tasks."""


@task.command(epilog="Example: stem task show 01a20bb583d676af890eb487db90c792")
@click.argument("task_id", type=TASK_ID, metavar="ID")
@reveal_option
@cluster_options
def show(invocation: Invocation, task_id: str, *, reveal: bool) -> None:
    """Show all that is known of a task. Secrets among its arguments are hidden."""

    async def look(cluster: ClusterClient) -> TaskStatus | None:
        return await cluster.task(task_id)

    status = invocation.run(look)
    if status is None:
        raise StemError(f"nothing is known of task {task_id!r}", "check the id; results are kept for a limited time")
    if not reveal:
        status = status.redacted()
    if invocation.as_json:
        write_json(status)
    else:
        _print(status)


def _print(status: TaskStatus) -> None:
    for name in status.__struct_fields__:
        value = getattr(status, name)
        if name != "error" and value not in (None, "", ()):
            write_line(f"{name + ':':<13}{_shown(name, value)}")
    if status.error is not None:
        write_line(f"{'error:':<13}{status.error.type}: {status.error.message}")
        for line in visible_lines(status.error.traceback, _MAX_TRACEBACK_LINES):
            write_line(f"  {line}")


@task.command("list", epilog="Example: stem task list --state failed --since 1h")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in TaskState], case_sensitive=False),
    help="Only in this state.",
)
@click.option("--queue", "names", type=QUEUES, multiple=True, metavar="Q", help="Only of this queue; may be repeated.")
@click.option("--task", "name", type=PATTERN, metavar="NAME", help="Only of this name; * and ? are wildcards.")
@click.option("--since", type=PERIOD, metavar="1h", help="Only what ended within this time.")
@click.option("--until", type=PERIOD, metavar="5m", help="Only what ended longer than this ago.")
@click.option("--limit", type=click.IntRange(min=1), default=50, metavar="N", help="At most so many (50).")
@click.option("--cursor", default="", metavar="C", help="Continue after an earlier page.")
@cluster_options
def list_(invocation: Invocation, limit: int, cursor: str, **choice: Any) -> None:
    """Show tasks. Those that wait or run come first, then those that ended, newest first."""
    if None not in (choice["since"], choice["until"]) and choice["since"] <= choice["until"]:
        raise UsageError("--since is not earlier than --until", "write for example --since 1h --until 5m")

    async def look(cluster: ClusterClient) -> tuple[list[TaskStatus], str]:
        now = await cluster.broker.time()
        wanted = TaskFilter(
            states=frozenset(map(TaskState, choice["states"])) or None,
            queues=split_names(choice["names"]) or None,
            task=choice["name"],
            since=None if choice["since"] is None else now - choice["since"],
            until=None if choice["until"] is None else now - choice["until"],
        )
        return await cluster.tasks(wanted, limit, cursor)

    found, following = invocation.run(look)
    if invocation.as_json:
        write_json({"tasks": [status.redacted() for status in found], "cursor": following or None})
        return
    rows = [
        (status.id, status.name, status.queue, status.state, status.attempt, _when(status), _why(status))
        for status in found
    ]
    write_table(["ID", "TASK", "QUEUE", "STATE", "ATTEMPT", "WHEN", ""], rows, "no such tasks")
    if following:
        write_note(f"there are more: --cursor '{following}'")


def _when(status: TaskStatus) -> str:
    for name in ("finished_at", "started_at", "due_at", "enqueued_at"):
        value = getattr(status, name)
        if value:
            return short_moment(value)
    return ""


def _why(status: TaskStatus) -> str:
    if status.error is not None:
        return f"{status.error.type}: {status.error.message}"
    if status.state == TaskState.RUNNING:
        return f"on {status.worker}"
    return status.reason


def _shown(name: str, value: object) -> str:
    if name.endswith("_at") and isinstance(value, float):
        return local_time(value, "milliseconds")
    if name in ("args", "result"):
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
    return str(value)
