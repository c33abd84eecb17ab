"""Finding an action, what it would act on, and what it would do, behind the gate that is due."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stem_tui.actions.catalogue import ACTIONS
from stem_tui.actions.gates import in_production
from stem_tui.actions.model import NO_TARGET, Action, Plan, Refusal, Target
from stem_tui.commander import READ_ONLY
from stem_tui.store.clean import clean_detail

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from stem_tui.actions.model import Values
    from stem_tui.session import Session
    from stem_tui.store import Receipt

KINDS: Final = {
    "queue": "queue", "worker": "worker", "task": "task", "letter": "dead letter", "schedule": "schedule",
    "local": "local worker",
}  # fmt: skip
"""What people call what can be selected, by its kind."""
_WHERE: Final = {
    "queue": "1 on the overview goes to them", "worker": "2 on the overview goes to them",
    "task": "open a queue or a worker", "letter": "e lists them", "schedule": "t lists them", "local": "w lists them",
}  # fmt: skip
"""Where they can be selected."""
_BY_ID: Final = {action.id: action for action in ACTIONS}


def find_action(action_id: str) -> Action | None:
    """Return the action of that id, or None."""
    return _BY_ID.get(action_id)


def pick_target(action: Action, candidates: Sequence[Target]) -> Target:
    """Return the first of what is selected that the action can act on; the first of all if it needs nothing."""
    if action.context == "any":
        return candidates[0] if candidates else NO_TARGET
    return next((target for target in candidates if target.kind == action.context), NO_TARGET)


def plan(action: Action, session: Session, target: Target) -> Plan | Refusal:
    """Return what the action would do to the target, or why it cannot be done now. The scope is pinned here."""
    if action.plan is None:
        return Refusal(f"{action.title} asks nothing")
    reason = _refusal(action, session)
    if reason:
        return Refusal(reason)
    if action.context not in {"any", target.kind}:
        return Refusal(f"{action.title}: select a {KINDS[action.context]} first; {_WHERE[action.context]}")
    made = action.plan(session, target)
    if isinstance(made, Refusal):
        return made
    gated = in_production(made, action) if session.model.identity.prod else made
    return replace(gated, run=_checked(gated, session, target))


def _refusal(action: Action, session: Session) -> str | None:
    """Return why nothing of this kind can be done now, or None."""
    identity = session.model.identity
    if action.changes_cluster and identity.read_only:
        arm = "; :rw arms it for 15 minutes" if identity.armable else ""
        return f"{READ_ONLY}: {action.title} is off{arm}"
    needs_broker = action.changes_cluster or action.id == "worker.inspect"
    if not needs_broker or action.id.startswith("local."):
        return None
    return session.commander.refusal(changes=action.changes_cluster)


def _checked(made: Plan, session: Session, target: Target) -> Callable[[Values], Coroutine[object, object, Receipt]]:
    """Return what carries the plan out, unless its values are wrong: the gate holds whatever the screen lets pass."""

    async def run(values: Values) -> Receipt:
        wrong = made.problem(values)
        if wrong is None:
            receipt = await made.run(values)
            receipt.why = clean_detail(values.get("reason", "").strip())
            return receipt
        receipt = session.commander.open_receipt(made.confirm_label.lower(), target.key)
        return session.commander.refuse(receipt, wrong)

    return run
