"""Carries commands out and writes their receipts. Nothing else in the console changes the cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from stem_core.client import Answer, ClusterClient, CommandResult, ControlClient, RevokeResult
from stem_core.clock import Clock
from stem_core.errors import StemError
from stem_tui.store import (
    Ack,
    ClusterModel,
    Effect,
    EffectState,
    LinkState,
    Receipt,
    ReceiptState,
    Undo,
)
from stem_tui.store.clean import clean, clean_detail
from stem_tui.views.figures import clock as time_of_day

Result: TypeAlias = CommandResult | RevokeResult
READ_ONLY = "this console is read only"
NOT_CONNECTED = "not connected to a broker yet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A command to be carried out.

    Args:
        title: What is asked, such as `pause`.
        target: Queue, worker or task, as commands need it.
        shown: The same as people read it; `target` if empty.
        call: Sends it.
        effect: What to look for afterwards.
        undo: What takes it back.
        tell: Puts the answers in a line; None for who acked.
        changes: Whether it changes the cluster, which a read-only console refuses.
    """

    title: str
    target: str
    call: Callable[[ControlClient], Awaitable[Result]]
    shown: str = ""
    effect: Effect | None = None
    undo: Undo | None = None
    tell: Callable[[Result], str] | None = None
    changes: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """Something to be done in the broker, which no worker need be told.

    Args:
        title: What is done, such as `replay`.
        target: To what, as commands need it.
        shown: The same as people read it.
        work: Does it; is given the receipt to write its progress on, and returns what is to stand there in the end.
        effect: What to look for afterwards.
        undo: What takes it back.
    """

    title: str
    target: str
    shown: str
    work: Callable[[ClusterClient, Receipt], Awaitable[str]]
    effect: Effect | None = None
    undo: Undo | None = None


class Commander:
    """Sends commands of this console.

    Args:
        model: Where receipts are kept.
        clock: Tells when.
        issuer: Who is named.
        sent: Called after each command, so that its effect is looked for at once.
    """

    def __init__(self, model: ClusterModel, clock: Clock, issuer: str, sent: Callable[[], None]) -> None:
        self._model = model
        self._clock = clock
        self._issuer = issuer
        self._sent = sent
        self.control: ControlClient | None = None
        self.cluster: ClusterClient | None = None

    def refusal(self, *, changes: bool = True) -> str | None:
        """Return why no command can be given now, or None. One that changes nothing is given read only, too."""
        if changes and self._model.identity.read_only:
            return READ_ONLY
        link = self._model.link
        if link.state is LinkState.DOWN:
            return f"no broker since {time_of_day(self._model.wall(link.since))}Z"
        if link.state is LinkState.CONNECTING or self.control is None:
            return NOT_CONNECTED
        return None

    def open_receipt(self, title: str, target: str, shown: str = "") -> Receipt:
        """Write the receipt of a command that is about to be carried out."""
        now = self._clock.monotonic()
        self._model.identity = self._model.identity.used(now)
        receipt = Receipt(
            self._model.receipts.next_number(),
            title,
            clean(shown or target),
            target,
            self._issuer,
            self._model.wall(now),
            now,
        )
        self._model.receipts.add(receipt)
        self._model.touch()
        return receipt

    def refuse(self, receipt: Receipt, reason: str, state: ReceiptState = ReceiptState.REFUSED) -> Receipt:
        """Note on a receipt that nothing was done, and why."""
        receipt.state, receipt.reason = state, clean_detail(reason)
        self._model.touch()
        return receipt

    async def execute(self, request: Request) -> Receipt:
        """Carry a command out. Never raises for what the cluster answers: that stands on the receipt."""
        receipt = self.open_receipt(request.title, request.target, request.shown)
        reason, control = self.refusal(changes=request.changes), self.control
        if reason is not None or control is None:
            return self.refuse(receipt, reason or NOT_CONNECTED)
        try:
            result = await request.call(control)
        except StemError as error:
            return self.refuse(receipt, str(error), ReceiptState.FAILED)
        finally:
            self._sent()
        self._settle(receipt, request, result)
        return receipt

    async def operate(self, operation: Operation) -> Receipt:
        """Carry an operation out. Never raises for what the broker answers: that stands on the receipt."""
        receipt = self.open_receipt(operation.title, operation.target, operation.shown)
        reason, cluster = self.refusal(), self.cluster
        if reason is not None or cluster is None:
            return self.refuse(receipt, reason or NOT_CONNECTED)
        try:
            note = await operation.work(cluster, receipt)
        except StemError as error:
            done = f"{receipt.note}, then " if receipt.note else ""
            return self.refuse(receipt, f"{done}{error}", ReceiptState.FAILED)
        finally:
            self._sent()
        receipt.state, receipt.note = ReceiptState.ACKED, clean_detail(note)
        if operation.effect is not None:
            receipt.effect, receipt.effect_state = operation.effect, EffectState.WAITING
            receipt.undo = operation.undo
        self._model.touch()
        return receipt

    def progress(self, receipt: Receipt, note: str) -> None:
        """Note how far an operation is."""
        receipt.note = clean_detail(note)
        self._model.identity = self._model.identity.used(self._clock.monotonic())
        self._model.touch()

    def _settle(self, receipt: Receipt, request: Request, result: Result) -> None:
        sent = result.sent if isinstance(result, RevokeResult) else result
        receipt.acks = tuple(map(_ack, sent.replies))
        receipt.silent = tuple(map(clean, sent.missing))
        receipt.acked_in = max((answer.latency for answer in sent.replies), default=None)
        receipt.state = ReceiptState.ACKED
        receipt.note = clean_detail(request.tell(result)) if request.tell is not None else ""
        refused = bool(sent.replies) and all(answer.reply.status != "ok" for answer in sent.replies)
        if request.effect is not None and not refused:
            receipt.effect, receipt.effect_state = request.effect, EffectState.WAITING
            receipt.undo = request.undo
        self._model.touch()


def _ack(answer: Answer) -> Ack:
    reply = answer.reply
    return Ack(clean(reply.worker), clean(reply.status), clean_detail(reply.error), answer.latency)
