"""Draining, scaling and asking workers: the selected one, or all that were marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stem_core.client import CommandResult, ControlClient, RevokeResult
from stem_core.durations import format_duration
from stem_core.text import plural
from stem_tui.actions.crew import Crew, find_crew, tell, undo_of
from stem_tui.actions.model import Field, Plan, Refusal, Target, Values
from stem_tui.actions.shared import echo_of, fact, shell, whole_number_problem
from stem_tui.commander import Request
from stem_tui.store import Effect, Inspection, Receipt, WorkerEntry
from stem_tui.store.inspection import inspection_of

if TYPE_CHECKING:
    from stem_tui.session import Session

MAX_SLOTS: Final = 10_000


def drain_or_undrain(session: Session, target: Target) -> Plan | Refusal:
    """Plan to drain workers, or to take the drain back if all of them drain as shown."""
    chosen = [worker for worker in map(session.model.workers.get, target.keys) if worker is not None]
    draining = bool(chosen) and all(worker.snapshot.state == "draining" for worker in chosen)

    def wanted(worker: WorkerEntry) -> str:
        if worker.snapshot.state == "stopping":
            return f"{worker.label} is stopping; that cannot be taken back"
        return f"{worker.label} drains already" if worker.snapshot.state == "draining" and not draining else ""

    crew = find_crew(session, target, "undrain" if draining else "drain", wanted=wanted)
    if isinstance(crew, Refusal):
        return crew
    return _undrain(session, crew) if draining else _drain(session, crew)


def _drain(session: Session, crew: Crew) -> Plan:
    async def call(control: ControlClient) -> CommandResult:
        return await control.drain(targets=crew.ids)

    async def run(_values: Values) -> Receipt:
        undo = undo_of("worker.drain", crew)
        return await tell(session, crew, "drain", call, Effect("draining", crew.ids), undo)

    slots = sum(worker.snapshot.concurrency for worker in crew.workers)
    finishes, ended = f"{plural(crew.active, 'task')}", "it has" if crew.one is not None else "they have"
    ends = "finishes {}, then exits; a supervisor must start it again"
    if crew.one is None:
        ends = "they finish {}, then exit; supervisors must start them again"
    return Plan(
        title=f"Drain {crew.title}?",
        lines=(
            *crew.facts(f"{crew.active}/{slots} slots busy"),
            fact("effect", ends.format(finishes)),
            fact("undo", f"can be taken back until {ended} ended"),
        ),
        confirm_label="Drain" if crew.one is not None else f"Drain {len(crew.workers)}",
        subject=crew.subject,
        echo=echo_of(len(crew.workers)),
        command=shell(session, "worker", "drain", *crew.words()),
        run=run,
    )


def _undrain(session: Session, crew: Crew) -> Plan:
    async def call(control: ControlClient) -> CommandResult:
        return await control.undrain(targets=crew.ids)

    async def run(_values: Values) -> Receipt:
        undo = undo_of("worker.drain", crew)
        return await tell(session, crew, "undrain", call, Effect("running", crew.ids), undo)

    takes = "it takes work again and does not exit" if crew.one is not None else "they take work again and do not exit"
    return Plan(
        title=f"Take the drain of {crew.title} back?",
        lines=(*crew.facts(f"draining, {plural(crew.active, 'task')} left"), fact("effect", takes)),
        confirm_label="Undrain" if crew.one is not None else f"Undrain {len(crew.workers)}",
        subject=crew.subject,
        command=shell(session, "worker", "undrain", *crew.words()),
        run=run,
    )


def scale(session: Session, target: Target) -> Plan | Refusal:
    """Plan to change the number of slots of workers."""
    crew = find_crew(session, target, "scale", wanted=lambda _worker: "")
    if isinstance(crew, Refusal):
        return crew
    had = {worker.snapshot.concurrency for worker in crew.workers}
    before = min(had)
    shown = str(before) if len(had) == 1 else f"{before} to {max(had)}"

    def command(values: Values) -> str:
        return shell(session, "worker", "scale", "--concurrency", values.get("slots", str(before)), *crew.words())

    async def run(values: Values) -> Receipt:
        slots = int(values["slots"])

        async def call(control: ControlClient) -> CommandResult:
            return await control.scale(slots, targets=crew.ids)

        undo = undo_of("worker.scale", crew, {"slots": str(before)}) if len(had) == 1 else None
        return await tell(
            session, crew, f"scale {shown} → {slots}", call, Effect("concurrency", crew.ids, slots), undo
        )  # fmt: skip

    each = "" if crew.one is not None else "each "
    return Plan(
        title=f"Scale {crew.title}?",
        lines=(
            *crew.facts(f"{each}{shown} {'slot' if had == {1} else 'slots'}, {crew.active} busy"),
            fact("effect", "more slots start at once; fewer take effect as tasks end"),
        ),
        fields=(
            Field("slots", "slots", str(before), required=True, hint=f"a whole number{', of each' if each else ''}"),
        ),
        confirm_label="Scale" if crew.one is not None else f"Scale {len(crew.workers)}",
        subject=crew.subject,
        echo=echo_of(len(crew.workers)),
        command=command({}),
        command_for=command,
        check=lambda values: whole_number_problem(values.get("slots", ""), "slots", MAX_SLOTS),
        run=run,
    )


def inspect(session: Session, target: Target) -> Plan | Refusal:
    """Plan to ask a worker for all that it has; needs no dialog, for it changes nothing."""
    crew = find_crew(session, Target("worker", target.key), "inspect", wanted=lambda _worker: "")
    if isinstance(crew, Refusal):
        return crew
    worker = crew.workers[0]
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
