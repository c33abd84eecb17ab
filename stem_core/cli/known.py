"""Names that a shell completes a command line with: what the store knows, soon or not at all."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Final

import click

from stem_core.cli.options import FLAGS
from stem_core.client.app import load_app
from stem_core.client.cluster import ClusterClient
from stem_core.client.dead_letters import Letter, LetterFilter
from stem_core.client.listing import TaskFilter
from stem_core.clock import SYSTEM_CLOCK
from stem_core.config import StemConfig
from stem_core.errors import StemError
from stem_core.states import TERMINAL, TaskState
from stem_core.text import visible

PATIENCE: Final = 0.3
"""Seconds to wait for a store, beside what loading its driver takes: whoever pressed the key would rather type on."""
_STEP: Final = 0.02
_ENDED: Final = 200
_QUEUES: Final = 20
_WAITING: Final = 50
_SHOWN: Final = 50
"""Ids to offer: nobody picks one out of more."""


def queues(ctx: click.Context) -> list[str]:
    """Return the queues that were ever used or that a worker subscribes to."""

    async def ask(cluster: ClusterClient) -> list[str]:
        return [stats.name for stats in await cluster.queues()]

    return _asked(ctx, ask)


def workers(ctx: click.Context) -> list[str]:
    """Return the ids of the workers that live."""

    async def ask(cluster: ClusterClient) -> list[str]:
        return [seen.snapshot.worker for seen in await cluster.workers() if seen.alive]

    return _asked(ctx, ask)


def tasks(ctx: click.Context) -> list[str]:
    """Return the tasks of the app that is named, or else of those that wait, run or ended lately."""

    async def ask(cluster: ClusterClient) -> list[str]:
        ended, _ = await cluster.tasks(TaskFilter(states=TERMINAL), _ENDED)
        names = {status.name for status in ended}
        names.update(run.task for seen in await cluster.workers() for run in seen.snapshot.running)
        for stats in (await cluster.queues())[:_QUEUES]:
            names.update(status.name for status in await cluster.waiting(stats.name, _WAITING))
        return list(names)

    app = ctx.params.get("app")
    if isinstance(app, str):
        with suppress(Exception), redirect_stdout(sys.stderr):
            return list(load_app(app).registry.names())
    return _asked(ctx, ask)


def task_ids(ctx: click.Context) -> list[str]:
    """Return the ids of tasks that wait, run or ended lately."""
    return _ids(ctx, TaskFilter())


def live_task_ids(ctx: click.Context) -> list[str]:
    """Return the ids of tasks that wait or run."""
    return _ids(ctx, TaskFilter(states=frozenset(TaskState) - TERMINAL))


def letters(ctx: click.Context) -> list[str]:
    """Return the ids of the newest dead letters."""
    return _of_letters(ctx, lambda letter: letter.dead.id, _SHOWN)


def reasons(ctx: click.Context) -> list[str]:
    """Return why the newest dead letters are dead."""
    return _of_letters(ctx, lambda letter: letter.dead.reason, _ENDED)


def schedules(ctx: click.Context) -> list[str]:
    """Return the ids of schedules."""

    async def ask(cluster: ClusterClient) -> list[str]:
        from stem_core.schedule.book import ScheduleBook  # noqa: PLC0415 - only few complete schedules

        return [entry.name for entry in (await ScheduleBook(cluster.broker, cluster.control.signer).load())[0]]

    return _asked(ctx, ask)


def nodes(ctx: click.Context) -> list[str]:
    """Return the nodes of `stem worker multi` that have a pid file where theirs are."""
    from stem_core.cli.multi.node import fill, state_file  # noqa: PLC0415 - only few complete nodes

    path = Path(ctx.params.get("pidfile") or state_file(".pid"))
    head, name, tail = path.name.partition("%n")
    with suppress(StemError, OSError):
        place, before, after = (fill(part, "", 0) for part in (str(path.parent), head, tail))
        files = [file.name for file in Path(place).iterdir()] if name else []
        found = [file for file in files if file.startswith(before) and file.endswith(after)]
        return sorted(file.removeprefix(before).removesuffix(after) for file in found)
    return []


def _ids(ctx: click.Context, wanted: TaskFilter) -> list[str]:
    async def ask(cluster: ClusterClient) -> list[str]:
        return [status.id for status in (await cluster.tasks(wanted, _SHOWN))[0]]

    return _asked(ctx, ask)


def _of_letters(ctx: click.Context, what: Callable[[Letter], str], limit: int) -> list[str]:
    async def ask(cluster: ClusterClient) -> list[str]:
        return [what(letter) for letter in (await cluster.dead_letters.page(LetterFilter(), limit))[0]]

    return _asked(ctx, ask)


def _asked(ctx: click.Context, ask: Callable[[ClusterClient], Awaitable[list[str]]]) -> list[str]:
    """Return what the cluster answers that the command line means so far; nothing if it does not, or too late."""
    found: set[str] = set()

    async def body() -> None:
        config = _config(ctx)
        if config is None:
            return
        async with await ClusterClient.connect(config) as cluster:
            found.update(name for name in await ask(cluster) if name and name == visible(name))

    def run() -> None:
        with suppress(Exception):  # nobody wants to read of it in the middle of a command line
            asyncio.run(body())

    thread = threading.Thread(target=run, name="stem-known", daemon=True)
    began = _idle()
    thread.start()
    while thread.is_alive() and _idle() < began + PATIENCE:
        thread.join(_STEP)
    return sorted(found)


def _idle() -> float:
    """Return how long this process has waited, whatever for, in seconds since some moment."""
    return SYSTEM_CLOCK.monotonic() - time.process_time()


def _config(ctx: click.Context) -> StemConfig | None:
    given = ctx.params
    config = StemConfig.from_environment(
        flags=FLAGS,
        broker_url=given.get("broker"),
        result_backend_url=given.get("backend"),
        namespace=given.get("namespace"),
    )
    return None if config.broker_url.startswith("memory:") else config
