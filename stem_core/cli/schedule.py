"""`stem schedule …`: what is enqueued when."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import click

from stem_core.cli.lazy import LazyGroup
from stem_core.cli.names import SCHEDULE
from stem_core.cli.options import Invocation, cluster_options, reveal_option
from stem_core.cli.output import write_json, write_line, write_note
from stem_core.cli.schedule_documents import change_document, schedule_document, schedule_rows, shown_moment
from stem_core.cli.streams import ask
from stem_core.cli.values import PERIOD
from stem_core.client.cluster import ClusterClient
from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import UsageError
from stem_core.schedule.applying import FROM_FILE, Change, apply_entries, compare, find, switch
from stem_core.schedule.book import ScheduleBook
from stem_core.schedule.entry import ScheduleEntry, zone_of
from stem_core.schedule.loading import load_schedules
from stem_core.schedule.overview import overview, standing
from stem_core.schedule.timing import Timing, milliseconds
from stem_core.text import visible

T = TypeVar("T")
_MARKS = {"added": "+", "changed": "~", "removed": "-", "same": "="}


@click.group(cls=LazyGroup, commands_at={"run": "stem_core.cli.schedule_run:run"})
def schedule() -> None:
    """Show and change what is enqueued when, or run a scheduler."""


def _with_book(invocation: Invocation, action: Callable[[ScheduleBook, int], Awaitable[T]]) -> T:
    async def body(cluster: ClusterClient) -> T:
        return await action(
            ScheduleBook(cluster.broker, cluster.control.signer), milliseconds(await cluster.broker.time())
        )

    return invocation.run(body)


@schedule.command("list", epilog="Example: stem schedule list")
@cluster_options
def list_(invocation: Invocation) -> None:
    """Show all entries, and when each runs next."""

    async def show(cluster: ClusterClient) -> None:
        items, unreadable = await ScheduleBook(cluster.broker, cluster.control.signer).load()
        now = milliseconds(await cluster.broker.time())
        standings = overview(items, now).standings
        if invocation.as_json:
            write_json([schedule_document(each) for each in standings])
        else:
            schedule_rows(standings, cluster.namespace)
        for each in unreadable:
            write_note(f"stem: schedule {each.name!r} cannot be read: {each.problem}")

    invocation.run(show)


@schedule.command(epilog="Example: stem schedule show nightly-report --json")
@click.argument("name", type=SCHEDULE, metavar="ID")
@reveal_option
@cluster_options
def show(invocation: Invocation, name: str, *, reveal: bool) -> None:
    """Show an entry in full. Secrets among its arguments are hidden."""

    async def look(book: ScheduleBook, now: int) -> dict[str, Any]:
        return schedule_document(standing(await find(book, name), now), reveal=reveal)

    document = _with_book(invocation, look)
    if invocation.as_json:
        write_json(document)
        return
    for key, value in document.items():
        write_line(f"{key + ':':<12}{_shown(key, value)}")


def _shown(key: str, value: object) -> str:
    if isinstance(value, float) and key.endswith(("_at", "_run")):
        return shown_moment(value) or "-"
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@schedule.command(epilog="Example: stem schedule apply --file schedule.yaml --dry-run")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--prune", is_flag=True, help="Remove entries that came from a file and are not in this one.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("-f", "--file", required=True, metavar="FILE", help="A YAML file, see sample_configs/schedule.yaml.")
@cluster_options
def apply(invocation: Invocation, file: str, dry_run: bool, prune: bool, yes: bool) -> None:
    """Make the entries what a file says.

    It adds and changes entries, and with --prune removes them. With --json prints `{"applied": bool, "changes": [{"id",
    "change", "fields"}]}`.
    """
    wanted = load_schedules(file)

    async def preview(book: ScheduleBook, _now: int) -> list[Change]:
        return compare((await book.load())[0], wanted, prune=prune)

    if dry_run or not (yes or invocation.as_json):
        changes = _with_book(invocation, preview)
        _write_changes(invocation, changes, applied=False)
        if dry_run or all(change.kind == "same" for change in changes):
            return
        ask("Go on?")

    async def carry_out(book: ScheduleBook, now: int) -> list[Change]:
        return await apply_entries(book, wanted, FROM_FILE, now, prune=prune)

    changes = _with_book(invocation, carry_out)
    if invocation.as_json or yes:
        _write_changes(invocation, changes, applied=True)


def _write_changes(invocation: Invocation, changes: Sequence[Change], *, applied: bool) -> None:
    documents = [change_document(change) for change in changes]
    if invocation.as_json:
        write_json({"applied": applied, "changes": documents})
        return
    for change, document in zip(changes, documents, strict=True):
        write_line(f"{_MARKS[change.kind]} {change.name} ({change.kind})")
        for field, (before, after) in document["fields"].items():
            write_line(f"    {field}: {visible(str(before), 60)} -> {visible(str(after), 60)}")
    if not changes:
        write_line("the file has no schedules")


@schedule.command(epilog="Example: stem schedule delete nightly-report")
@click.argument("names", type=SCHEDULE, nargs=-1, required=True, metavar="ID...")
@cluster_options
def delete(invocation: Invocation, names: tuple[str, ...]) -> None:
    """Remove entries. One that a program defines comes back with its next scheduler; disable it instead.

    With --json prints `{"deleted": [id]}`.
    """

    async def remove(book: ScheduleBook, _now: int) -> None:
        items, unreadable = await book.load()
        present = {item.name for item in items} | {each.name for each in unreadable}
        for name in names:
            if name not in present:
                await find(book, name)  # says what there is
        for name in names:
            await book.delete(name)

    _with_book(invocation, remove)
    if invocation.as_json:
        write_json({"deleted": list(names)})
    else:
        write_line(f"deleted {', '.join(names)}")


@schedule.command(epilog="Example: stem schedule enable nightly-report")
@click.argument("names", type=SCHEDULE, nargs=-1, required=True, metavar="ID...")
@cluster_options
def enable(invocation: Invocation, names: tuple[str, ...]) -> None:
    """Switch entries on. Ticks that passed meanwhile are skipped."""
    _switch(invocation, names, on=True)


@schedule.command(epilog="Example: stem schedule disable nightly-report")
@click.argument("names", type=SCHEDULE, nargs=-1, required=True, metavar="ID...")
@cluster_options
def disable(invocation: Invocation, names: tuple[str, ...]) -> None:
    """Switch entries off until they are switched on again."""
    _switch(invocation, names, on=False)


def _switch(invocation: Invocation, names: Sequence[str], *, on: bool) -> None:
    """Switch, and print the entries; with --json a list in the shape of `stem schedule show`."""

    async def turn(book: ScheduleBook, now: int) -> list[dict[str, Any]]:
        for name in names:
            await find(book, name)  # all or none
        items = [await switch(book, name, on=on, now=now) for name in names]
        return [schedule_document(standing(item, now)) for item in items]

    documents = _with_book(invocation, turn)
    if invocation.as_json:
        write_json(documents)
    else:
        for document in documents:
            moment = shown_moment(document["next_run"])
            write_line(f"{document['id']} is {'on' if on else 'off'}" + (f", next run {moment}" if moment else ""))


@schedule.command("next", epilog="Example: stem schedule next nightly-report --count 3")
@click.argument("name", type=SCHEDULE, required=False, metavar="[ID]")
@click.option("--cron", metavar="EXPR", help="Instead of an entry: a cron expression.")
@click.option("--every", type=PERIOD, metavar="5m", help="Instead of an entry: an interval.")
@click.option("--timezone", default="UTC", metavar="ZONE", help="For --cron; UTC by default.")
@click.option("--count", type=click.IntRange(1, 1000), default=5, metavar="N", help="How many ticks (5).")
@cluster_options
def next_(
    invocation: Invocation, name: str | None, cron: str | None, every: float | None, timezone: str, count: int
) -> None:
    """Show the next ticks of an entry, or of an expression.

    With --json prints `{"id", "spec", "timezone", "ticks": [epoch seconds]}`, jitter included.
    """
    if (name is not None) == (cron is not None or every is not None):
        raise UsageError("say either an entry or an expression", "name an entry, or give --cron or --every")
    if name is None:
        entry = ScheduleEntry("trial", "trial", cron=cron, every=every, timezone=timezone)
        after = milliseconds(SYSTEM_CLOCK.time())
    else:
        entry, after = _with_book(invocation, functools.partial(_stored, name=name))
    timing = Timing(entry)
    ticks = [timing.due_at(tick) / 1000 for tick in islice(timing.after(after), count)]
    if invocation.as_json:
        write_json({"id": name, "spec": entry.spec, "timezone": entry.timezone, "ticks": ticks})
        return
    for tick in ticks:
        write_line(datetime.fromtimestamp(tick, zone_of(entry.timezone)).isoformat(sep=" "))
    if not ticks:
        write_line("no more ticks")


async def _stored(book: ScheduleBook, now: int, *, name: str) -> tuple[ScheduleEntry, int]:
    return (await find(book, name)).stored.entry, now
