"""The shapes in which the command line prints schedules, for scripts to rely on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from stem_core.cli.output import local_time, write_table
from stem_core.durations import format_duration, seconds
from stem_core.redaction import redacted_args
from stem_core.schedule.applying import Change
from stem_core.schedule.overview import Overview, Standing


def schedule_document(standing: Standing, *, reveal: bool = False) -> dict[str, Any]:
    """Return an entry as JSON data; with `reveal`, with the secrets among its arguments.

    `{"id", "task", "queue", "spec", "cron", "every_s", "timezone", "args", "priority", "expires_s", "jitter_s",
    "missed", "grace_s", "start_at", "end_at", "enabled", "origin", "next_run", "late_s", "last_run", "last_id", "runs",
    "drift_s", "failures", "error"}`. Moments are epoch seconds; `next_run` is null for what is switched off or has
    ended, `late_s` is null as long as that is not due, `last_run` is null before the first run, `error` is null if the
    last tick was sent.
    """
    item = standing.item
    entry, progress = item.stored.entry, item.progress
    return {
        "id": item.name,
        "task": entry.task,
        "queue": entry.queue,
        "spec": entry.spec,
        "cron": entry.cron,
        "every_s": entry.every,
        "timezone": entry.timezone,
        "args": entry.args if reveal else redacted_args(entry.args),
        "priority": entry.priority,
        "expires_s": entry.expires,
        "jitter_s": entry.jitter,
        "missed": entry.missed,
        "grace_s": entry.grace,
        "start_at": _epoch(entry.start_at),
        "end_at": _epoch(entry.end_at),
        "enabled": item.stored.enabled,
        "origin": item.stored.origin,
        "next_run": _seconds(standing.next_run),
        "late_s": standing.late / 1000 if standing.due else None,
        "last_run": _seconds(progress.last_run),
        "last_id": progress.last_id or None,
        "runs": progress.runs,
        "drift_s": progress.drift,
        "failures": progress.failures,
        "error": progress.error or None,
    }


def overview_document(overview: Overview) -> dict[str, Any]:
    """Return all entries as JSON data: `{"due", "overdue", "max_drift_s", "schedules": […]}`."""
    return {
        "due": overview.due,
        "overdue": overview.overdue,
        "max_drift_s": overview.max_drift,
        "schedules": [schedule_document(each) for each in overview.standings],
    }


def change_document(change: Change) -> dict[str, Any]:
    """Return a change as JSON data: `{"id", "change", "fields": {field: [before, after]}}`, arguments without secrets.

    `change` is `added`, `changed`, `removed` or `same`.
    """
    shown = {name: [msgspec.to_builtins(value) for value in pair] for name, pair in change.fields.items()}
    fields = {name: [redacted_args(args) for args in pair] if name == "args" else pair for name, pair in shown.items()}
    return {"id": change.name, "change": change.kind, "fields": fields}


def schedule_rows(standings: Iterable[Standing], namespace: str) -> None:
    """Print entries for a person."""
    rows = [
        (
            each.item.name,
            each.item.stored.entry.task,
            each.item.stored.entry.queue,
            each.item.stored.entry.spec,
            shown_moment(_seconds(each.next_run)),
            shown_moment(_seconds(each.item.progress.last_run)),
            format_duration(seconds(each.item.stored.entry.jitter)) if each.item.stored.entry.jitter else None,
            each.item.stored.enabled,
        )
        for each in standings
    ]
    heads = ["ID", "TASK", "QUEUE", "SPEC", "NEXT RUN", "LAST RUN", "JITTER", "ENABLED"]
    write_table(heads, rows, f"no schedules in namespace {namespace!r}")


def drift_rows(standings: Iterable[Standing], namespace: str) -> None:
    """Print for a person how well entries are served."""
    rows = [
        (
            each.item.name,
            each.item.stored.entry.task,
            each.item.stored.entry.queue,
            shown_moment(_seconds(each.next_run)),
            "overdue" if each.overdue else "due" if each.due else None,
            shown_moment(_seconds(each.item.progress.last_run)),
            each.item.progress.runs,
            format_duration(each.item.progress.drift),
            each.item.progress.error or None,
        )
        for each in standings
    ]
    heads = ["ID", "TASK", "QUEUE", "NEXT RUN", "", "LAST RUN", "TOTAL", "DRIFT", "LAST ERROR"]
    write_table(heads, rows, f"no schedules in namespace {namespace!r}")


def shown_moment(epoch: float | None) -> str | None:
    """Return a moment in the reader's own timezone."""
    return None if epoch is None else local_time(epoch)


def _seconds(moment: int | None) -> float | None:
    return None if moment is None else moment / 1000


def _epoch(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
