"""Switching schedules on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stem_core.client import ClusterClient
from stem_tui.actions.model import Plan, Refusal, Target
from stem_tui.actions.shared import fact, shell
from stem_tui.commander import Operation
from stem_tui.store import Effect, Receipt, ScheduleItem, Undo
from stem_tui.views.cells import Line
from stem_tui.views.figures import duration, local

if TYPE_CHECKING:
    from stem_tui.session import Session


def switch(session: Session, target: Target) -> Plan | Refusal:
    """Plan to switch a schedule off, or on, whichever its state as shown asks for."""
    item = session.model.schedules.find(target.key)
    if item is None:
        return Refusal("no schedule is selected")
    if item.problem:
        return Refusal(f"{item.label} cannot be read: {item.problem}")
    return _disable(session, item) if item.enabled else _enable(session, item)


def _disable(session: Session, item: ScheduleItem) -> Plan:
    wall = session.model.wall(session.now())
    following = "it has ended" if item.next_run is None else f"next at {local(item.next_run, wall)}"
    if item.overdue:
        following = f"overdue since {local(item.next_run or 0.0, wall)}: no scheduler serves it"
    return Plan(
        title=f"Disable {item.label}?",
        lines=(
            *_about(item),
            fact("now", following),
            fact("effect", "it is not sent any more until it is enabled; what was sent already stays"),
        ),
        confirm_label="Disable",
        subject=item.label,
        command=shell(session, "schedule", "disable", item.name),
        run=lambda _values: _switch(session, item.name, on=False),
    )


def _enable(session: Session, item: ScheduleItem) -> Plan:
    return Plan(
        title=f"Enable {item.label}?",
        lines=(
            *_about(item),
            fact("effect", "it is sent from its next tick on; ticks that passed meanwhile are not made up for"),
        ),
        confirm_label="Enable",
        subject=item.label,
        command=shell(session, "schedule", "enable", item.name),
        run=lambda _values: _switch(session, item.name, on=True),
    )


def _about(item: ScheduleItem) -> tuple[Line, ...]:
    last = "" if item.last_run is None else f", the last with a drift of {duration(item.drift)}"
    return (fact("schedule", f"{item.label}: {item.task}, {item.spec}"), fact("runs", f"{item.runs:,} so far{last}"))


async def _switch(session: Session, name: str, *, on: bool) -> Receipt:
    async def work(cluster: ClusterClient, _receipt: Receipt) -> str:
        from stem_core.schedule.applying import switch  # noqa: PLC0415 - most consoles never switch schedules
        from stem_core.schedule.book import ScheduleBook  # noqa: PLC0415 - likewise
        from stem_core.schedule.timing import milliseconds  # noqa: PLC0415 - likewise

        now = milliseconds(await cluster.broker.time())
        await switch(ScheduleBook(cluster.broker), name, on=on, now=now)
        return "written"

    return await session.commander.operate(
        Operation(
            title="enable" if on else "disable",
            target=name,
            shown=name,
            work=work,
            effect=Effect("enabled" if on else "disabled", (name,)),
            undo=Undo("schedule.switch", "schedule", name, {}),
        )
    )
