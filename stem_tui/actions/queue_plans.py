"""Pausing and resuming queues: the selected one, or all that were marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stem_core.client import CommandResult, ControlClient
from stem_core.durations import parse_duration
from stem_core.text import plural
from stem_tui.actions.model import Field, Plan, Refusal, Target, Values
from stem_tui.actions.shared import duration_problem, echo_of, fact, listed, reason_field, reason_words, shell
from stem_tui.commander import Request
from stem_tui.store import Effect, QueueEntry, Receipt, Undo
from stem_tui.views.cells import Line
from stem_tui.views.figures import clock, count

if TYPE_CHECKING:
    from stem_tui.session import Session


def pause_or_resume(session: Session, target: Target) -> Plan | Refusal:
    """Plan to pause queues, or to resume them if all are paused as shown."""
    chosen = [queue for queue in map(session.model.queues.get, target.keys) if queue is not None]
    if not chosen:
        return Refusal("no queue is selected")
    running = [queue for queue in chosen if queue.stats.paused is None]
    return _pause(session, running, len(chosen) - len(running)) if running else _resume(session, chosen)


def _called(queues: Sequence[QueueEntry]) -> str:
    return queues[0].label if len(queues) == 1 else plural(len(queues), "queue")


def _subject(queues: Sequence[QueueEntry]) -> str:
    return queues[0].label if len(queues) == 1 else str(len(queues))


def _label(word: str, queues: Sequence[QueueEntry]) -> str:
    return word if len(queues) == 1 else f"{word} {len(queues)}"


def _them(queues: Sequence[QueueEntry]) -> str:
    return "it until it is" if len(queues) == 1 else "them until they are"


def _words(queues: Sequence[QueueEntry]) -> list[str]:
    return [word for queue in queues for word in ("--queue", queue.name)]


def _about(queues: Sequence[QueueEntry], more: str = "") -> Line:
    """Return which queues they are, and how much waits in them."""
    waiting = f"{count(sum(queue.backlog for queue in queues))} waiting{more}"
    return fact("queue" if len(queues) == 1 else "queues", f"{listed([queue.label for queue in queues])}: {waiting}")


def _undo(queues: Sequence[QueueEntry], reason: str = "") -> Undo:
    names = tuple(queue.name for queue in queues)
    return Undo("queue.pause", "queue", names[0], {"reason": reason} if reason else {}, names if names[1:] else ())


def _pause(session: Session, queues: Sequence[QueueEntry], paused_already: int) -> Plan:
    names = tuple(queue.name for queue in queues)

    def command(values: Values) -> str:
        length = values.get("for", "").strip()
        limit = ["--for", length] if length else []
        return shell(session, "worker", "pause", *_words(queues), *reason_words(values), *limit)

    async def run(values: Values) -> Receipt:
        length = values.get("for", "").strip()
        duration = parse_duration(length, "for") if length else None

        async def call(control: ControlClient) -> CommandResult:
            return await control.pause(names, reason=values.get("reason", "").strip(), duration=duration)

        return await session.commander.execute(
            Request(
                title="pause",
                target=names[0],
                shown=_called(queues),
                call=call,
                effect=Effect("paused", names),
                undo=_undo(queues),
            )
        )

    known = [queue.workers for queue in queues if queue.workers is not None]
    workers = f", {plural(known[0], 'worker') if known else '?'}" if len(queues) == 1 else ""
    already = f"; {paused_already} more are paused already" if paused_already else ""
    held = sum(queue.stats.inflight for queue in queues)
    return Plan(
        title=f"Pause {_called(queues)}?",
        lines=(
            _about(queues, workers + already),
            fact("effect", f"no worker fetches from {_them(queues)} resumed; what waits stays"),
            fact("running", f"{plural(held, 'task')} in flight: started ones finish, others go back"),
        ),
        fields=(reason_field(), Field("for", "for", hint="such as 30m; empty until resumed")),
        confirm_label=_label("Pause", queues),
        subject=_subject(queues),
        echo=echo_of(len(queues)),
        command=command({}),
        command_for=command,
        check=lambda values: duration_problem(values.get("for", ""), "for"),
        run=run,
    )


def _resume(session: Session, queues: Sequence[QueueEntry]) -> Plan:
    names = tuple(queue.name for queue in queues)
    reasons = {queue.stats.paused.reason for queue in queues if queue.stats.paused is not None}

    async def call(control: ControlClient) -> CommandResult:
        return await control.resume(names)

    async def run(_values: Values) -> Receipt:
        return await session.commander.execute(
            Request(
                title="resume",
                target=names[0],
                shown=_called(queues),
                call=call,
                effect=Effect("resumed", names),
                undo=_undo(queues, next(iter(reasons)) if len(reasons) == 1 else ""),
            )
        )

    return Plan(
        title=f"Resume {_called(queues)}?",
        lines=(
            _about(queues),
            *_since(queues),
            fact("effect", f"workers fetch from {'it' if len(queues) == 1 else 'them'} again at once"),
        ),
        confirm_label=_label("Resume", queues),
        subject=_subject(queues),
        echo=echo_of(len(queues)),
        command=shell(session, "worker", "resume", *_words(queues)),
        run=run,
    )


def _since(queues: Sequence[QueueEntry]) -> list[Line]:
    """Say who paused them, when and why."""
    lines: list[Line] = []
    for queue in queues[:3]:
        pause = queue.stats.paused
        if pause is None:
            continue
        why = f': "{pause.reason}"' if pause.reason else ""
        which = f"{queue.label} " if len(queues) > 1 else ""
        lines.append(fact("" if lines else "paused", f"{which}since {clock(pause.since)}Z by {pause.by or '?'}{why}"))
    return lines
