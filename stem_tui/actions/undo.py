"""Taking the last command back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stem_tui.actions import queue_plans, schedule_plans, worker_plans
from stem_tui.actions.model import Plan, Planner, Refusal, Target, Values
from stem_tui.store import Receipt, ReceiptState

if TYPE_CHECKING:
    from stem_tui.session import Session

_PLANNERS: dict[str, Planner] = {
    "queue.pause": queue_plans.pause_or_resume,
    "worker.drain": worker_plans.drain_or_undrain,
    "worker.scale": worker_plans.scale,
    "schedule.switch": schedule_plans.switch,
}
_STOOD = {
    "paused": "Resume", "resumed": "Pause", "draining": "Undrain", "running": "Drain", "concurrency": "Scale",
    "enabled": "Disable", "disabled": "Enable",
}  # fmt: skip
"""What the way back is called, by the effect that is taken back."""


def undo(session: Session, target: Target) -> Plan | Refusal:  # noqa: ARG001 - all planners take a target
    """Plan to take the newest command back that can be: a pause, scale, drain or switch, or its opposite."""
    receipt = session.model.receipts.undoable()
    if receipt is None or receipt.undo is None or receipt.effect is None:
        return Refusal("there is nothing to undo")
    back = receipt.undo
    if back.kind == "worker" and not any(key in session.model.workers for key in (back.key, *back.keys)):
        return Refusal(f"{receipt.target} has ended; {receipt.title} cannot be taken back")
    plan = _PLANNERS[back.action](session, Target(back.kind, back.key, back.keys))
    if isinstance(plan, Refusal):
        return plan
    if plan.confirm_label.partition(" ")[0] != _STOOD[receipt.effect.kind]:
        return Refusal(f"{receipt.title} {receipt.target} was taken back already, or did not take effect")

    async def run(values: Values) -> Receipt:
        new = await plan.run(values)
        if new.state is ReceiptState.ACKED:
            receipt.undone = True
            new.undo = None
        return new

    fields = tuple(field._replace(value=back.values.get(field.key, field.value)) for field in plan.fields)
    values = {field.key: field.value for field in fields}
    return replace(plan, title=f"Undo: {plan.title}", fields=fields, command=plan.shell_command(values), run=run)
