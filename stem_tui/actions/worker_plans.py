"""Draining, stopping, scaling and asking workers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from stem_core.client import CommandResult, ControlClient, RevokeResult
from stem_core.commands import ShutdownMode
from stem_core.durations import format_duration, parse_duration
from stem_core.text import visible
from stem_tui.actions.model import Field, Plan, Refusal, Target, Values
from stem_tui.actions.shared import duration_problem, fact, plural, shell, whole_number_problem
from stem_tui.commander import Request
from stem_tui.store import Effect, Inspection, Receipt, Undo, WorkerEntry, WorkerState
from stem_tui.store.inspection import inspection_of
from stem_tui.views.cells import Line

if TYPE_CHECKING:
    from stem_tui.session import Session

MAX_SLOTS: Final = 10_000
_LISTED: Final = 6


def _find(session: Session, target: Target, command: str) -> WorkerEntry | Refusal:
    worker = session.model.workers.get(target.key)
    if worker is None:
        return Refusal("no worker is selected")
    if worker.state(session.now()) is WorkerState.GONE:
        return Refusal(f"{worker.label} is gone; it would not hear")
    able = worker.snapshot.capabilities
    if able and command not in able:
        return Refusal(f"{worker.label} does not answer {command}")
    return worker


def _execute(
    session: Session,
    worker: WorkerEntry,
    title: str,
    call: Callable[[ControlClient], Awaitable[CommandResult]],
    effect: Effect,
    undo: Undo | None = None,
) -> Awaitable[Receipt]:
    request = Request(title=title, target=worker.id, shown=worker.label, call=call, effect=effect, undo=undo)
    return session.commander.execute(request)


def drain_or_undrain(session: Session, target: Target) -> Plan | Refusal:
    """Plan to drain the worker, or to take its drain back, whichever its state as shown asks for."""
    worker = session.model.workers.get(target.key)
    if worker is not None and worker.snapshot.state == "stopping":
        return Refusal(f"{worker.label} is stopping; that cannot be taken back")
    draining = worker is not None and worker.snapshot.state == "draining"
    found = _find(session, target, "undrain" if draining else "drain")
    if isinstance(found, Refusal):
        return found
    return _undrain(session, found) if draining else _drain(session, found)


def _drain(session: Session, worker: WorkerEntry) -> Plan:
    name = worker.id

    async def call(control: ControlClient) -> CommandResult:
        return await control.drain(targets=[name])

    async def run(_values: Values) -> Receipt:
        undo = Undo("worker.drain", "worker", name, {})
        return await _execute(session, worker, "drain", call, Effect("draining", (name,)), undo)

    snapshot = worker.snapshot
    return Plan(
        title=f"Drain {worker.label}?",
        lines=(
            fact("worker", f"{worker.label}: {snapshot.active}/{snapshot.concurrency} slots busy"),
            fact(
                "effect",
                f"finishes {plural(snapshot.active, 'task')}, then exits; a supervisor must start it again",
            ),
            fact("undo", "can be taken back until it has ended"),
        ),
        confirm_label="Drain",
        subject=worker.label,
        command=shell(session, "worker", "drain", "--worker", name),
        run=run,
    )


def _undrain(session: Session, worker: WorkerEntry) -> Plan:
    name = worker.id

    async def call(control: ControlClient) -> CommandResult:
        return await control.undrain(targets=[name])

    async def run(_values: Values) -> Receipt:
        undo = Undo("worker.drain", "worker", name, {})
        return await _execute(session, worker, "undrain", call, Effect("running", (name,)), undo)

    return Plan(
        title=f"Take the drain of {worker.label} back?",
        lines=(
            fact("worker", f"{worker.label}: draining, {plural(worker.snapshot.active, 'task')} left"),
            fact("effect", "it takes work again and does not exit"),
        ),
        confirm_label="Undrain",
        subject=worker.label,
        command=shell(session, "worker", "undrain", "--worker", name),
        run=run,
    )


def _cut_lines(worker: WorkerEntry) -> tuple[Line, ...]:
    running = [task for task in worker.snapshot.running if task.started_at is not None]
    lines = [
        fact("running" if not place else "", f"{task.task}  {visible(task.id[-8:])}")
        for place, task in enumerate(running[:_LISTED])
    ]
    if len(running) > _LISTED:
        lines.append(fact("", f"and {len(running) - _LISTED} more"))
    return tuple(lines)


def stop(session: Session, target: Target) -> Plan | Refusal:
    """Plan to stop the worker, soft or hard; hard needs its name typed."""
    worker = _find(session, target, "shutdown")
    if isinstance(worker, Refusal):
        return worker
    name, prod = worker.id, session.model.identity.prod

    def grace(values: Values) -> list[str]:
        text = values.get("grace", "").strip()
        return ["--grace", text] if text and values.get("mode") == "soft" else []

    def command(values: Values) -> str:
        mode = values.get("mode", "soft")
        return shell(session, "worker", "shutdown", "--mode", mode, "--worker", name, *grace(values))

    def check(values: Values) -> str | None:
        if not prod and values.get("mode") == "hard" and values.get("name", "").strip() != worker.label:
            return f"type the worker's name, {worker.label}, to stop it hard"
        return duration_problem(values.get("grace", ""), "grace")

    async def run(values: Values) -> Receipt:
        mode = ShutdownMode(values.get("mode", "soft"))
        text = values.get("grace", "").strip()
        length = parse_duration(text, "grace") if text and mode is ShutdownMode.SOFT else None

        async def call(control: ControlClient) -> CommandResult:
            return await control.shutdown(mode, grace=length, targets=[name])

        return await _execute(session, worker, f"stop {mode.value}", call, Effect("gone", (name,)))

    return Plan(
        title=f"Stop {worker.label}?",
        lines=(
            fact("worker", f"{worker.label}: {plural(worker.snapshot.active, 'task')} running"),
            fact(
                "effect",
                "tasks that are cut run again elsewhere; the process ends and cannot be brought back",
                "warning",
            ),
            fact("soft", "asks tasks to stop, and cuts them after the grace"),
            fact("hard", "hands back everything and ends at once; its name must be typed"),
            *_cut_lines(worker),
        ),
        fields=(
            Field("mode", "mode", "soft", ("soft", "hard"), required=True),
            Field("grace", "grace", hint="soft only, such as 30s; empty for its own"),
            *(() if prod else (Field("name", "type name", hint=f"hard only: {worker.label}"),)),
        ),
        confirm_label="Stop",
        subject=worker.label,
        command=command({"mode": "soft"}),
        command_for=command,
        check=check,
        run=run,
    )


def scale(session: Session, target: Target) -> Plan | Refusal:
    """Plan to change a worker's number of slots."""
    worker = _find(session, target, "scale")
    if isinstance(worker, Refusal):
        return worker
    name, before = worker.id, worker.snapshot.concurrency

    def command(values: Values) -> str:
        return shell(session, "worker", "scale", "--concurrency", values.get("slots", str(before)), "--worker", name)

    async def run(values: Values) -> Receipt:
        slots = int(values["slots"])

        async def call(control: ControlClient) -> CommandResult:
            return await control.scale(slots, targets=[name])

        undo = Undo("worker.scale", "worker", name, {"slots": str(before)})
        effect = Effect("concurrency", (name,), slots)
        return await _execute(session, worker, f"scale {before} → {slots}", call, effect, undo)

    return Plan(
        title=f"Scale {worker.label}?",
        lines=(
            fact("worker", f"{worker.label}: {plural(before, 'slot')}, {worker.snapshot.active} busy"),
            fact("effect", "more slots start at once; fewer take effect as tasks end"),
        ),
        fields=(Field("slots", "slots", str(before), required=True, hint="a whole number"),),
        confirm_label="Scale",
        subject=worker.label,
        command=command({}),
        command_for=command,
        check=lambda values: whole_number_problem(values.get("slots", ""), "slots", MAX_SLOTS),
        run=run,
    )


def inspect(session: Session, target: Target) -> Plan | Refusal:
    """Plan to ask a worker for all that it has; needs no dialog, for it changes nothing."""
    worker = _find(session, target, "inspect")
    if isinstance(worker, Refusal):
        return worker
    name = worker.id

    async def call(control: ControlClient) -> CommandResult:
        return await control.inspect(targets=[name])

    def tell(result: CommandResult | RevokeResult) -> str:
        sent = result.sent if isinstance(result, RevokeResult) else result
        for answer in sent.replies:
            found = inspection_of(name, answer.reply.payload, answer.latency, session.now())
            if answer.reply.status == "ok" and found is not None:
                session.model.inspection = found
                return _summary(found)
        return "no answer that could be read" if sent.replies else "no answer"

    async def run(_values: Values) -> Receipt:
        return await session.commander.execute(
            Request(title="inspect", target=name, shown=worker.label, call=call, tell=tell, changes=False)
        )

    return Plan(
        title=f"Inspect {worker.label}",
        lines=(fact("worker", worker.label),),
        confirm_label="Inspect",
        command=shell(session, "worker", "inspect", "--worker", name),
        run=run,
    )


def _summary(found: Inspection) -> str:
    held = plural(len(found.snapshot.running), "task")
    return f"{found.snapshot.state}, {held}, {len(found.revoked)} revoked, in {format_duration(found.latency)}"
