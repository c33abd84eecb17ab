"""What each kind of event means for the tail and for the task it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, cast

from stem_core import events as ev
from stem_core.durations import format_duration
from stem_core.states import TaskState
from stem_tui.store.clean import clean, clean_detail, clean_error, span
from stem_tui.store.events import EventEntry
from stem_tui.store.tasks import Mark


class Source(NamedTuple):
    """Whose frame an event came in: the id as it is, and harmless to show."""

    key: str
    label: str


class Reduced(NamedTuple):
    """An event made ready: its line, and what it means for a task (id as it is, mark, state)."""

    entry: EventEntry
    mark: Mark | None = None
    state: TaskState = TaskState.QUEUED


class _Kind(NamedTuple):
    """A kind of task event: its word, the state that it leads to, and where its detail and runtime are."""

    word: str
    state: TaskState
    tell: Callable[[ev.TaskEvent], tuple[float | None, str]] | None = None


def _succeeded(event: ev.TaskEvent) -> tuple[float | None, str]:
    return cast("ev.TaskSucceeded", event).runtime, ""


def _failed(event: ev.TaskEvent) -> tuple[float | None, str]:
    failed = cast("ev.TaskFailed", event)
    text = clean_error(failed.error)
    return failed.runtime, f"{text} ({clean(failed.reason)})" if failed.reason else text


def _retry(event: ev.TaskEvent) -> tuple[float | None, str]:
    retry = cast("ev.TaskRetry", event)
    return retry.runtime, f"in {format_duration(span(retry.delay))} {clean_error(retry.error)}"


def _revoked(event: ev.TaskEvent) -> tuple[float | None, str]:
    revoked = cast("ev.TaskRevoked", event)
    parts = [f"by {revoked.by}"] if revoked.by else []
    parts += [f'"{revoked.reason}"'] if revoked.reason else []
    parts += ["terminated"] if revoked.terminated else []
    return None, clean_detail(" ".join(parts))


_TASK_KINDS: Final[dict[type, _Kind]] = {
    ev.AfterTaskPublish: _Kind("enqueued", TaskState.QUEUED),
    ev.TaskReceived: _Kind("received", TaskState.QUEUED),
    ev.TaskPrerun: _Kind("started", TaskState.RUNNING),
    ev.TaskSucceeded: _Kind("succeeded", TaskState.SUCCEEDED, _succeeded),
    ev.TaskFailed: _Kind("failed", TaskState.FAILED, _failed),
    ev.TaskRetry: _Kind("retry", TaskState.RETRIED, _retry),
    ev.TaskRevoked: _Kind("revoked", TaskState.CANCELLED, _revoked),
}


def _reduce_task(event: ev.TaskEvent, kind: _Kind, source: Source) -> Reduced:
    runtime, detail = kind.tell(event) if kind.tell is not None else (None, "")
    name, queue, at = clean(event.task), clean(event.queue), span(event.at)
    shown = detail
    if runtime is not None:
        took = format_duration(span(runtime))
        shown = took if not detail else f"{detail} after {took}"
    entry = EventEntry(at, kind.word, name, source.label, shown, event.id, source.key, queue)
    return Reduced(entry, Mark(at, kind.word, event.attempt, source.label, runtime, detail), kind.state)


def _stopping(event: ev.WorkerEvent) -> tuple[str, str]:
    stopping = cast("ev.WorkerStopping", event)
    if stopping.mode == "none":
        return "undrained", stopping.reason
    word = "draining" if stopping.mode == "warm" else "stopping"
    return word, f"{stopping.mode} shutdown {stopping.reason}".strip()


def _starting(_event: ev.WorkerEvent) -> tuple[str, str]:
    return "starting", ""


def _ready(event: ev.WorkerEvent) -> tuple[str, str]:
    ready = cast("ev.WorkerReady", event)
    return "ready", f"{ready.concurrency} slots, queues {','.join(ready.queues)}"


def _scaled(event: ev.WorkerEvent) -> tuple[str, str]:
    scaled = cast("ev.WorkerScaled", event)
    return "scaled", f"{scaled.before} → {scaled.after} slots {scaled.reason}".rstrip()


def _completed(event: ev.WorkerEvent) -> tuple[str, str]:
    done = cast("ev.ControlCommandCompleted", event)
    by = f"by {done.issuer}" if done.issuer else ""
    return "command", " ".join(part for part in (done.command, done.status, done.detail, by) if part)


_WORKER_KINDS: Final[dict[type, Callable[[ev.WorkerEvent], tuple[str, str]]]] = {
    ev.WorkerInit: _starting,
    ev.WorkerReady: _ready,
    ev.WorkerStopping: _stopping,
    ev.WorkerShutdown: lambda event: ("stopped", cast("ev.WorkerShutdown", event).reason),
    ev.WorkerScaled: _scaled,
    ev.WorkerChildInit: lambda event: ("child up", str(cast("ev.WorkerChildInit", event).child)),
    ev.WorkerChildShutdown: lambda event: ("child end", str(cast("ev.WorkerChildShutdown", event).child)),
    ev.ControlCommandCompleted: _completed,
}


def _reduce_worker(event: ev.WorkerEvent, source: Source) -> Reduced | None:
    tell = _WORKER_KINDS.get(type(event))
    if tell is None:
        return None
    word, detail = tell(event)
    return Reduced(
        EventEntry(span(event.at), word, clean(event.worker), source.label, clean_detail(detail), "", event.worker, "")
    )


def _reduce_schedule(event: ev.ScheduleEvent, source: Source) -> Reduced:
    word, detail = "due", ""
    if isinstance(event, ev.ScheduleEntryDispatched):
        word, detail = "scheduled", f"{format_duration(span(event.drift))} after its tick"
    elif isinstance(event, ev.ScheduleEntryFailed):
        word, detail = "not sched", clean_error(event.error)
    return Reduced(EventEntry(span(event.at), word, clean(event.entry), source.label, detail, "", source.key, ""))


def reduce_event(event: ev.Event, source: Source) -> Reduced | None:
    """Return what to show of an event and what it means, or None for events that tell nothing new."""
    kind = _TASK_KINDS.get(type(event))
    if kind is not None:
        return _reduce_task(cast("ev.TaskEvent", event), kind, source)
    if isinstance(event, ev.ScheduleEntryDue | ev.ScheduleEntryDispatched | ev.ScheduleEntryFailed):
        return _reduce_schedule(event, source)
    return _reduce_worker(event, source) if type(event) in _WORKER_KINDS else None  # type: ignore[arg-type]  # the table says so
