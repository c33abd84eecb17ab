"""What workers say of themselves, for people: `stem worker stats` and `stem worker inspect` without `--json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from stem_core.cli.output import write_line, write_table
from stem_core.client.answers import Answer
from stem_core.client.liveness import UNREADABLE
from stem_core.delivery import Revocation
from stem_core.durations import format_duration
from stem_core.snapshot import RunningTask, WorkerSnapshot


class _Change(msgspec.Struct, frozen=True):
    before: int
    after: int
    reason: str


class _Scaling(msgspec.Struct, frozen=True):
    last: _Change | None = None


class _Knowledge(msgspec.Struct, frozen=True):
    """What a worker tells when it is inspected, beside its snapshot."""

    revoked: tuple[Revocation, ...] = ()
    rates: dict[str, str] = {}
    scaling: _Scaling = _Scaling()


def stats_rows(answers: Sequence[Answer]) -> None:
    """Print the figures of each worker."""
    rows = [
        (
            seen.worker,
            seen.state,
            f"{seen.active}/{seen.concurrency}",
            seen.held,
            seen.succeeded,
            seen.failed,
            seen.retried,
            format_duration(seen.loop_lag),
            None if seen.lease_age is None else format_duration(seen.lease_age),
            f"{seen.cpu:.0f}%",
            f"{seen.rss / 1024**2:.0f}M",
            format_duration(max(seen.at - seen.started_at, 0.0)),
        )
        for seen in map(_snapshot, answers)
    ]
    heads = ["WORKER", "STATE", "ACTIVE", "HELD", "DONE", "FAILED", "RETRIED", "LAG", "LEASE", "CPU", "MEMORY", "UP"]
    write_table(heads, rows, "")


def inspect_rows(answers: Sequence[Answer]) -> None:
    """Print the tasks of all workers, then what else these know: revocations, rate limits, why slots changed."""
    rows = [
        (
            seen.worker,
            task.id,
            task.task,
            task.queue,
            task.attempt,
            None if task.started_at is None else format_duration(max(seen.at - task.started_at, 0.0)),
            _progress(task),
        )
        for seen in map(_snapshot, answers)
        for task in seen.running
    ]
    write_table(["WORKER", "ID", "TASK", "QUEUE", "ATTEMPT", "RUNS", "PROGRESS"], rows, "no tasks run")
    for answer in answers:
        for line in _knowledge(answer.reply.payload):
            write_line(f"{answer.reply.worker}: {line}")


def _snapshot(answer: Answer) -> WorkerSnapshot:
    try:
        return msgspec.convert(answer.reply.payload.get("snapshot"), WorkerSnapshot)
    except msgspec.ValidationError:  # another version's
        return WorkerSnapshot(worker=answer.reply.worker, boot="", state=UNREADABLE)


def _progress(task: RunningTask) -> str:
    share = "" if task.progress is None else f"{task.progress:.0%}"
    return f"{share} {task.note}".strip()


def _knowledge(payload: Mapping[str, Any]) -> Iterator[str]:
    try:
        known = msgspec.convert(payload, _Knowledge)
    except msgspec.ValidationError as error:  # another version's
        yield f"what else it says cannot be read: {error}"
        return
    for revocation in known.revoked:
        because = f": {revocation.reason}" if revocation.reason else ""
        yield f"{revocation.id} is revoked by {revocation.by}{because}"
    for task, rate in known.rates.items():
        yield f"{task} may start {'as often as it likes' if rate == 'none' else rate}"
    if (last := known.scaling.last) is not None:
        yield f"slots went from {last.before} to {last.after}: {last.reason}"
