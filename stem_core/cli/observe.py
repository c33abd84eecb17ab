"""`stem observe …`: look at a cluster, once or for as long as one likes."""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click
import msgspec

from stem_core.cli.documents import queue_document, worker_document
from stem_core.cli.following import REFRESH_SECONDS, Outage, heed_interrupt, repeated
from stem_core.cli.names import QUEUES, split_names
from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import local_moment, short_moment, write_json, write_line, write_table
from stem_core.client.cluster import ClusterClient
from stem_core.client.liveness import SeenWorker
from stem_core.durations import format_duration
from stem_core.stores.port import FROM_START
from stem_core.text import plural

F = TypeVar("F", bound=Callable[..., Any])

_EVENTS_PER_READ: Final = 512
_LETTERS_SHOWN: Final = 1000


@click.group()
def observe() -> None:
    """Look at queues, workers, events, dead letters and schedules."""


def observing(command: F) -> F:
    """Add `--follow` to the shared flags."""

    @click.option("--follow", is_flag=True, help="Keep going until interrupted; with --json one document a line.")
    @cluster_options
    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return command(*args, **kwargs)

    return wrapped  # type: ignore[return-value]  # click reads the parameters from the function's attributes


@observe.command(epilog="Example: stem observe queues --queue mail --follow")
@click.option("--queue", "names", type=QUEUES, multiple=True, metavar="Q", help="Only this queue; may be repeated.")
@observing
def queues(invocation: Invocation, follow: bool, names: tuple[str, ...]) -> None:
    """Show backlog and pauses of queues."""
    chosen = split_names(names) or None

    async def show(cluster: ClusterClient) -> None:
        workers = [seen for seen in await cluster.workers() if seen.alive]
        documents = [queue_document(stats, workers) for stats in await cluster.queues(chosen)]
        if invocation.as_json:
            write_json(documents)
        else:
            queue_rows(documents, cluster.namespace)

    invocation.run(repeated(show, follow=follow))


@observe.command(epilog="Example: stem observe workers --json")
@observing
def workers(invocation: Invocation, follow: bool) -> None:
    """Show workers as they last showed themselves."""

    async def show(cluster: ClusterClient) -> None:
        found = await cluster.workers()
        if invocation.as_json:
            write_json([worker_document(seen) for seen in found])
        else:
            worker_rows(found, cluster.namespace)

    invocation.run(repeated(show, follow=follow))


@observe.command(epilog="Example: stem observe events --follow")
@click.option("--limit", type=click.IntRange(min=1), default=100, metavar="N", help="How many past events to show.")
@observing
def events(invocation: Invocation, follow: bool, limit: int) -> None:
    """Show what happened lately. With --follow, what happens from now on."""
    if follow:
        invocation.run(functools.partial(_follow_events, as_json=invocation.as_json))
        return
    recent = invocation.run(functools.partial(_recent_events, limit=limit))
    if invocation.as_json:
        write_json(recent)
        return
    for event in recent:
        _write_event(event)
    if not recent:
        write_line("no events yet")


@observe.command(epilog="Example: stem observe dlq --queue mail")
@click.option("--queue", "names", type=QUEUES, multiple=True, metavar="Q", help="Only this queue; may be repeated.")
@observing
def dlq(invocation: Invocation, follow: bool, names: tuple[str, ...]) -> None:
    """Show the newest dead letters. Those jobs will not run again by themselves."""
    from stem_core.cli.dlq import letter_document, letter_rows  # noqa: PLC0415 - only this command needs them
    from stem_core.client.dead_letters import LetterFilter  # noqa: PLC0415 - as above

    wanted = LetterFilter(queues=split_names(names) or None)

    async def show(cluster: ClusterClient) -> None:
        letters, _ = await cluster.dead_letters.page(wanted, _LETTERS_SHOWN)
        if invocation.as_json:
            write_json([letter_document(letter) for letter in letters])
        else:
            letter_rows(letters)

    invocation.run(repeated(show, follow=follow))


@observe.command(epilog="Example: stem observe schedules --json")
@observing
def schedules(invocation: Invocation, follow: bool) -> None:
    """Show how well schedules are served.

    What is due or overdue, and how late jobs were sent. With --json prints `{"due", "overdue", "max_drift_s",
    "schedules": […]}`, entries as `stem schedule show` has them.
    """
    from stem_core.cli import schedule_documents as shapes  # noqa: PLC0415 - only this command needs schedules
    from stem_core.schedule.book import ScheduleBook  # noqa: PLC0415 - as above
    from stem_core.schedule.overview import overview  # noqa: PLC0415 - as above

    async def show(cluster: ClusterClient) -> None:
        items, _ = await ScheduleBook(cluster.broker, cluster.control.signer).load()
        seen = overview(items, round(await cluster.broker.time() * 1000))
        if invocation.as_json:
            write_json(shapes.overview_document(seen))
            return
        drift = format_duration(seen.max_drift)
        write_line(f"{plural(len(items), 'schedule')}, {seen.due:,} due, {seen.overdue:,} overdue, latest by {drift}")
        shapes.drift_rows(seen.standings, cluster.namespace)

    invocation.run(repeated(show, follow=follow))


def queue_rows(documents: Sequence[dict[str, Any]], namespace: str) -> None:
    """Print queues for a person."""
    rows = [
        (
            each["name"],
            "paused" if each["paused"] else "running",
            *(each[key] for key in ("ready", "inflight", "delayed", "dead")),
            None if each["oldest_s"] is None else format_duration(each["oldest_s"]),
            each["workers"],
            _pause_note(each["paused"]),
        )
        for each in documents
    ]
    heads = ["QUEUE", "STATE", "READY", "INFLIGHT", "DELAYED", "DEAD", "OLDEST", "WORKERS", ""]
    write_table(heads, rows, f"no queues in namespace {namespace!r}")


def worker_rows(workers: Sequence[SeenWorker], namespace: str) -> None:
    """Print workers for a person."""
    rows = [
        (
            seen.snapshot.worker,
            seen.snapshot.state if seen.alive else "silent",
            f"{seen.snapshot.active}/{seen.snapshot.concurrency}",
            seen.snapshot.succeeded,
            seen.snapshot.failed,
            format_duration(max(seen.age, 0.0)),
            ",".join(seen.snapshot.queues),
        )
        for seen in workers
    ]
    heads = ["WORKER", "STATE", "ACTIVE", "DONE", "FAILED", "HEARTBEAT", "QUEUES"]
    write_table(heads, rows, f"no live workers in namespace {namespace!r}")


def _pause_note(pause: dict[str, Any] | None) -> str:
    if pause is None:
        return ""
    until = f" until {short_moment(pause['until'])}" if pause["until"] else ""
    return f"by {pause['by']}{until}" + (f": {pause['reason']}" if pause["reason"] else "")


async def _recent_events(cluster: ClusterClient, limit: int) -> list[dict[str, Any]]:
    recent: deque[dict[str, Any]] = deque(maxlen=limit)
    cursor = FROM_START
    while True:
        batch = await cluster.events(cursor, _EVENTS_PER_READ)
        if batch.cursor == cursor:
            return list(recent)
        cursor = batch.cursor
        recent.extend(_event_documents(batch.frames))


async def _follow_events(cluster: ClusterClient, *, as_json: bool) -> None:
    cursor = await cluster.events_tail()
    outage = Outage()
    while True:
        with outage.borne():
            batch = await cluster.events(cursor, _EVENTS_PER_READ, wait=1.0)
            heed_interrupt()
            cursor = batch.cursor
            for event in _event_documents(batch.frames):
                if as_json:
                    write_json(event)
                else:
                    _write_event(event)
        if outage.lasts:
            await asyncio.sleep(REFRESH_SECONDS)


def _event_documents(frames: Sequence[Any]) -> list[dict[str, Any]]:
    from stem_core.events import event_name  # noqa: PLC0415 - only what shows events needs their names

    return [
        {
            "event": event_name(event),
            "source": frame.source,
            **{name: msgspec.to_builtins(getattr(event, name)) for name in event.__struct_fields__},
        }
        for frame in frames
        for event in frame.events
    ]


def _write_event(event: dict[str, Any]) -> None:
    if event["event"] == "worker_heartbeat":
        return
    at = local_moment(event["at"])
    rest = " ".join(
        f"{key}={','.join(map(str, value)) if isinstance(value, list | tuple) else value}"
        for key, value in event.items()
        if key not in ("event", "source", "at") and value not in ("", None, (), [])
    )
    write_line(f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  {event['event']:<26} {rest}")
