"""Pausing and resuming queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stem_core.client import CommandResult, ControlClient
from stem_core.durations import parse_duration
from stem_tui.actions.model import Field, Plan, Refusal, Target, Values
from stem_tui.actions.shared import duration_problem, fact, plural, reason_field, reason_words, shell
from stem_tui.commander import Request
from stem_tui.store import Effect, QueueEntry, Receipt, Undo
from stem_tui.views.figures import clock, count

if TYPE_CHECKING:
    from stem_tui.session import Session


def pause_or_resume(session: Session, target: Target) -> Plan | Refusal:
    """Plan to pause the queue, or to resume it, whichever its state as shown asks for."""
    queue = session.model.queues.get(target.key)
    if queue is None:
        return Refusal("no queue is selected")
    return _pause(session, queue) if queue.stats.paused is None else _resume(session, queue)


def _pause(session: Session, queue: QueueEntry) -> Plan:
    name = queue.name

    def command(values: Values) -> str:
        length = values.get("for", "").strip()
        limit = ["--for", length] if length else []
        return shell(session, "worker", "pause", "--queue", name, *reason_words(values), *limit)

    async def run(values: Values) -> Receipt:
        length = values.get("for", "").strip()
        duration = parse_duration(length, "for") if length else None

        async def call(control: ControlClient) -> CommandResult:
            return await control.pause([name], reason=values.get("reason", "").strip(), duration=duration)

        undo = Undo("queue.pause", "queue", name, {})
        return await session.commander.execute(
            Request(title="pause", target=name, call=call, effect=Effect("paused", (name,)), undo=undo)
        )

    workers = "?" if queue.workers is None else plural(queue.workers, "worker")
    return Plan(
        title=f"Pause {queue.label}?",
        lines=(
            fact("queue", f"{queue.label}: {count(queue.backlog)} waiting, {workers}"),
            fact("effect", "no worker fetches from it until it is resumed; what waits stays"),
            fact("running", f"{plural(queue.stats.inflight, 'task')} in flight: started ones finish, others go back"),
        ),
        fields=(reason_field(), Field("for", "for", hint="such as 30m; empty until resumed")),
        confirm_label="Pause",
        subject=queue.label,
        command=command({}),
        command_for=command,
        check=lambda values: duration_problem(values.get("for", ""), "for"),
        run=run,
    )


def _resume(session: Session, queue: QueueEntry) -> Plan:
    name, pause = queue.name, queue.stats.paused

    async def call(control: ControlClient) -> CommandResult:
        return await control.resume([name])

    async def run(_values: Values) -> Receipt:
        undo = Undo("queue.pause", "queue", name, {"reason": pause.reason if pause is not None else ""})
        return await session.commander.execute(
            Request(title="resume", target=name, call=call, effect=Effect("resumed", (name,)), undo=undo)
        )

    since = "" if pause is None else f"since {clock(pause.since)}Z by {pause.by or '?'}"
    why = f': "{pause.reason}"' if pause is not None and pause.reason else ""
    return Plan(
        title=f"Resume {queue.label}?",
        lines=(
            fact("queue", f"{queue.label}: {count(queue.backlog)} waiting"),
            fact("paused", f"{since}{why}"),
            fact("effect", "workers fetch from it again at once"),
        ),
        confirm_label="Resume",
        subject=queue.label,
        command=shell(session, "worker", "resume", "--queue", name),
        run=run,
    )
