"""Stopping workers, soft or hard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stem_core.client import CommandResult, ControlClient
from stem_core.commands import ShutdownMode
from stem_core.durations import parse_duration
from stem_core.text import plural, visible
from stem_tui.actions.crew import Crew, find_crew, tell
from stem_tui.actions.model import Field, Plan, Refusal, Target, Values
from stem_tui.actions.shared import duration_problem, fact, shell
from stem_tui.store import Effect, Receipt
from stem_tui.views.cells import Line

if TYPE_CHECKING:
    from stem_tui.session import Session

_LISTED: Final = 6


def stop(session: Session, target: Target) -> Plan | Refusal:
    """Plan to stop workers, soft or hard; hard needs the name typed, or how many they are."""
    crew = find_crew(session, target, "shutdown", wanted=lambda _worker: "")
    if isinstance(crew, Refusal):
        return crew
    asks_name = crew.one is not None and not session.model.identity.prod

    def grace(values: Values) -> str:
        return values.get("grace", "").strip() if values.get("mode", "soft") == "soft" else ""

    def command(values: Values) -> str:
        length = grace(values)
        limit = ["--grace", length] if length else []
        mode = values.get("mode", "soft")
        return shell(session, "worker", "shutdown", "--mode", mode, *crew.words(), *limit)

    def check(values: Values) -> str | None:
        if asks_name and values.get("mode") == "hard" and values.get("name", "").strip() != crew.subject:
            return f"type the worker's name, {crew.subject}, to stop it hard"
        return duration_problem(values.get("grace", ""), "grace")

    async def run(values: Values) -> Receipt:
        mode, text = ShutdownMode(values.get("mode", "soft")), grace(values)
        length = parse_duration(text, "grace") if text else None

        async def call(control: ControlClient) -> CommandResult:
            return await control.shutdown(mode, grace=length, targets=crew.ids)

        return await tell(session, crew, f"stop {mode.value}", call, Effect("gone", crew.ids))

    return Plan(
        title=f"Stop {crew.title}?",
        lines=_lines(crew),
        fields=(
            Field("mode", "mode", "soft", ("soft", "hard"), required=True),
            Field("grace", "grace", hint="soft only, such as 30s; empty for its own"),
            *((Field("name", "type name", hint=f"hard only: {crew.subject}"),) if asks_name else ()),
        ),
        confirm_label="Stop" if crew.one is not None else f"Stop {len(crew.workers)}",
        subject=crew.subject,
        echo=None if crew.one is not None else crew.subject,
        command=command({}),
        command_for=command,
        check=check,
        run=run,
    )


def _lines(crew: Crew) -> tuple[Line, ...]:
    ends = "the process ends" if crew.one is not None else "the processes end"
    hard = "; its name must be typed" if crew.one is not None else ""
    return (
        *crew.facts(f"{plural(crew.active, 'task')} running"),
        fact("effect", f"tasks that are cut run again elsewhere; {ends} and cannot be brought back", "warning"),
        fact("soft", "asks tasks to stop, and cuts them after the grace"),
        fact("hard", f"hands back everything and ends at once{hard}"),
        *_cut_lines(crew),
    )


def _cut_lines(crew: Crew) -> tuple[Line, ...]:
    running = [task for worker in crew.workers for task in worker.snapshot.running if task.started_at is not None]
    lines = [
        fact("running" if not place else "", f"{task.task}  {visible(task.id[-8:])}")
        for place, task in enumerate(running[:_LISTED])
    ]
    if len(running) > _LISTED:
        lines.append(fact("", f"and {len(running) - _LISTED} more"))
    return tuple(lines)
