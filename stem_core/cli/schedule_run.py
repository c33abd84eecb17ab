"""`stem schedule run`: run a scheduler in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from stem_core.cli.options import Invocation, cluster_options, refuse_memory
from stem_core.cli.output import write_json
from stem_core.cli.serving import LEVELS, take_flags
from stem_core.client.app import load_app
from stem_core.client.stem import Stem
from stem_core.logs import log_to_stderr
from stem_core.schedule.applying import FROM_FILE, apply_entries
from stem_core.schedule.book import ScheduleBook
from stem_core.schedule.entry import ScheduleEntry
from stem_core.schedule.loading import load_schedules
from stem_core.schedule.scheduler import Scheduler
from stem_core.schedule.timing import milliseconds


@click.command(epilog="Example: stem schedule run --app shop.tasks:stem")
@click.option("--app", metavar="M:A", help="A Stem whose schedules to serve too, as package.module:attribute.")
@click.option("-f", "--file", metavar="FILE", help="A schedule file to apply first.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", help="How much to say on stderr.")
@cluster_options
def run(invocation: Invocation, app: str | None, file: str | None, log_level: str) -> int:
    """Enqueue what is due, until told to stop.

    SIGTERM or SIGINT do so; any number of schedulers may run. Without --app, tasks go where the entries and routing
    say, else to the default queue; with it, the tasks' own options count too. With --json prints `{"scheduler",
    "namespace"}` once it serves.
    """
    log_to_stderr(log_level)
    entries = [] if file is None else load_schedules(file)
    if app is None:
        stem = Stem(config=invocation.config())
    else:
        stem = load_app(app)
        take_flags(stem, invocation)
    return asyncio.run(_serve(stem, entries, as_json=invocation.as_json))


async def _serve(stem: Stem, entries: Sequence[ScheduleEntry], *, as_json: bool) -> int:
    async with stem:
        broker, _ = await stem.connect()
        refuse_memory(broker.location)
        now = milliseconds(await broker.time())
        await apply_entries(ScheduleBook(broker, stem.signer), entries, FROM_FILE, now)
        scheduler = Scheduler(stem)
        await scheduler.start()
        if as_json:
            write_json({"scheduler": scheduler.name, "namespace": broker.namespace})
        await scheduler.run()
    return 0
