"""Letting a protected console change the cluster for a while, and taking that back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stem_tui.actions.model import Plan, Refusal, Target, Values
from stem_tui.actions.shared import fact
from stem_tui.store import ARMED_FOR, Receipt, ReceiptState

if TYPE_CHECKING:
    from stem_tui.session import Session

_WHILE: Final = f"{ARMED_FOR / 60:.0f} minutes"


def arm_or_disarm(session: Session, target: Target) -> Plan | Refusal:  # noqa: ARG001 - all planners take a target
    """Plan to allow changes for a while, or to refuse them again, whichever the state shown asks for."""
    identity = session.model.identity
    if identity.armed_until is not None:
        return _disarm(session)
    if not identity.read_only:
        return Refusal("this console may change the cluster already")
    if not identity.armable:
        return Refusal("--read-only holds until the console is left; start it without to change anything")
    return _arm(session)


def _arm(session: Session) -> Plan:
    name = session.model.identity.title

    async def run(_values: Values) -> Receipt:
        session.arm()
        return _told(session, "arm", f"changes are allowed until {_WHILE} without a command")

    return Plan(
        title=f"Allow changes to {name}?",
        lines=(
            fact("profile", f"{name} is read only"),
            fact("effect", f"commands are allowed, and refused again after {_WHILE} without one"),
            fact("gates", "each still asks before it acts"),
        ),
        confirm_label="Arm",
        echo=name,
        subject=name,
        command="",
        run=run,
    )


def _disarm(session: Session) -> Plan:
    name = session.model.identity.title

    async def run(_values: Values) -> Receipt:
        session.disarm()
        return _told(session, "disarm", "read only again")

    return Plan(
        title="Refuse changes again?",
        lines=(fact("profile", f"{name} becomes read only again"),),
        confirm_label="Disarm",
        subject=name,
        command="",
        run=run,
    )


def _told(session: Session, title: str, note: str) -> Receipt:
    receipt = session.commander.open_receipt(title, session.model.identity.title)
    receipt.state, receipt.note = ReceiptState.ACKED, note
    return receipt
