"""What became of commands, in words."""

from __future__ import annotations

from stem_tui.store import ClusterModel, EffectState, Receipt, ReceiptState
from stem_tui.views import figures
from stem_tui.views.cells import Cell, Line

_NAMED = 3


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _effect(receipt: Receipt) -> tuple[str, str]:
    if receipt.effect_state is EffectState.SEEN:
        return f" · effect seen {figures.precise(receipt.effect_in)}", "success"
    if receipt.effect_state is EffectState.UNSEEN:
        return " · effect not seen after 10s", "warning"
    return (" · effect not seen yet", "muted") if receipt.effect_state is EffectState.WAITING else ("", "")


def _progress(receipt: Receipt) -> str:
    good = sum(1 for ack in receipt.acks if ack.status == "ok")
    asked = len(receipt.acks) + len(receipt.silent)
    if not asked:
        return "" if receipt.state is ReceiptState.SENT else "done, no worker to ask"
    took = "" if receipt.acked_in is None else f" in {figures.duration(receipt.acked_in)}"
    return f"acked {good}/{asked}{took}"


def _by(receipt: Receipt) -> str:
    """Name who acked, unless the answers were put in words."""
    if receipt.note or not receipt.acks:
        return ""
    return f" · by {_names(tuple(ack.worker for ack in receipt.acks))}"


def _complaints(receipt: Receipt) -> str:
    parts = [f"{ack.worker}: {ack.status} {ack.detail}".rstrip() for ack in receipt.acks if ack.status != "ok"]
    parts += [f"silent: {_names(receipt.silent)}"] if receipt.silent else []
    return " · ".join(parts)


def describe_receipt(receipt: Receipt, *, undo: bool = True) -> Line:
    """Return one receipt as a line: what, how many acked, who is silent, whether the effect was seen, who acked."""
    what = f"{receipt.title} {receipt.target}".rstrip()
    why = f' "{receipt.why}"' if receipt.why else ""
    who = f" · {receipt.issuer} {figures.clock(receipt.at)}{why}"
    if receipt.state in {ReceiptState.REFUSED, ReceiptState.FAILED}:
        return (Cell(f"✗ {what} {receipt.state.value}: {receipt.reason}", "error"), Cell(who, "muted"))
    if receipt.state is ReceiptState.SENT:
        stop = "   [b] breaks off" if undo and receipt.note else ""
        told = receipt.note or f"sent  {_progress(receipt)}"
        return (Cell(f"… {what}  {told}", "info"), Cell(who, "muted"), Cell(stop, "accent"))
    effect, tone = _effect(receipt)
    complaints = _complaints(receipt)
    back = "   [u] undo" if undo and receipt.undo is not None and not receipt.undone else ""
    return (
        Cell(f"{'▲' if receipt.failed else '✓'} {what}  ", "warning" if receipt.failed else "success"),
        Cell(receipt.note or _progress(receipt)),
        Cell(f" · {complaints}" if complaints else "", "error"),
        Cell(effect, tone),
        Cell(" · undone" if receipt.undone else "", "muted"),
        Cell(back, "accent"),
        Cell(f"{_by(receipt)}{who}", "muted"),
    )


def receipt_line(model: ClusterModel, now: float) -> Line:  # noqa: ARG001 - all views take the time
    """Return the last command and what became of it; empty if there was none."""
    last = model.receipts.last
    return () if last is None else (Cell(" "), *describe_receipt(last))


def receipts_lines(
    model: ClusterModel,
    now: float,  # noqa: ARG001 - all views take the time
    target: str | None = None,
) -> list[Line]:
    """Return all receipts, newest first, or those of one queue, worker or task."""
    chosen = [
        receipt
        for receipt in reversed(list(model.receipts))
        if target is None or receipt.target_key == target or any(ack.worker == target for ack in receipt.acks)
    ]
    if not chosen:
        return [(Cell("no commands yet", "muted"),)]
    return [describe_receipt(receipt, undo=False) for receipt in chosen]
