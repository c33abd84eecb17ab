"""What became of each command: sent, acked by whom, and whether its effect was seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

MAX_RECEIPTS: Final = 200
EFFECT_WITHIN: Final = 10.0
"""Seconds after which an effect that was not seen is reported as such."""


class ReceiptState(StrEnum):
    """How far a command got."""

    SENT = "sent"
    ACKED = "acked"
    REFUSED = "refused"
    FAILED = "failed"


class EffectState(StrEnum):
    """Whether a command's effect was seen in the cluster's own figures."""

    NONE = "none"
    WAITING = "waiting"
    SEEN = "seen"
    UNSEEN = "unseen"


class Ack(NamedTuple):
    """One worker's answer: its status (`ok`, `error`, `refused`), what it says, and its latency in seconds."""

    worker: str
    status: str
    detail: str
    latency: float


class Effect(NamedTuple):
    """What to look for in the model.

    Args:
        kind: `paused`, `resumed`, `draining`, `running`, `present`, `concurrency`, `gone`, `stopped`, `cancelled`,
            `enabled`, `disabled`.
        keys: Queues, workers, tasks, schedules or local workers that must show it.
        value: Number of slots, for `concurrency`.
    """

    kind: str
    keys: tuple[str, ...]
    value: int = 0


class Undo(NamedTuple):
    """What takes a command back: an action's id, its target's kind and key, and values for its fields.

    `keys` are all that it was about, if it was about several.
    """

    action: str
    kind: str
    key: str
    values: dict[str, str]
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class Receipt:
    """One command and what became of it. Times are the console's monotonic clock, `at` is epoch seconds.

    Attributes:
        number: Counts up from 1.
        title: What was asked, such as `pause`.
        target: Of whom, harmless to show.
        target_key: Of whom, as commands need it.
        issuer: Who asked.
        at: When.
        sent: When, monotonic.
        state: How far it got.
        reason: Why it was refused or failed.
        acks: Who answered.
        silent: Who did not.
        acked_in: Seconds until the last answer.
        note: What the answers say in one line.
        why: The reason that the issuer gave, harmless.
        effect: What to look for, if anything.
        effect_state: Whether it was seen.
        effect_in: Seconds until it was.
        undo: What takes it back, if anything does.
        undone: Whether it was taken back.
        partial: Whether something of it was left out or broken off.
    """

    number: int
    title: str
    target: str
    target_key: str
    issuer: str
    at: float
    sent: float
    state: ReceiptState = ReceiptState.SENT
    reason: str = ""
    acks: tuple[Ack, ...] = ()
    silent: tuple[str, ...] = ()
    acked_in: float | None = None
    note: str = ""
    why: str = ""
    effect: Effect | None = None
    effect_state: EffectState = EffectState.NONE
    effect_in: float | None = None
    undo: Undo | None = None
    undone: bool = field(default=False)
    partial: bool = False

    @property
    def failed(self) -> bool:
        """Whether it was refused, failed, or some worker answered with an error or not at all."""
        return (
            self.state in {ReceiptState.REFUSED, ReceiptState.FAILED}
            or bool(self.silent)
            or self.partial
            or any(ack.status != "ok" for ack in self.acks)
            or self.effect_state is EffectState.UNSEEN
        )

    @property
    def going(self) -> bool:
        """Whether it has not come back yet."""
        return self.state is ReceiptState.SENT

    @property
    def settled(self) -> bool:
        """Whether nothing more is to come."""
        return self.state is not ReceiptState.SENT and self.effect_state is not EffectState.WAITING


class Receipts:
    """The last commands, newest last."""

    def __init__(self, limit: int = MAX_RECEIPTS) -> None:
        self._receipts: deque[Receipt] = deque(maxlen=limit)
        self._number = 0

    def __len__(self) -> int:
        return len(self._receipts)

    def __iter__(self) -> Iterator[Receipt]:
        return iter(self._receipts)

    def next_number(self) -> int:
        """Return the number of the next receipt."""
        self._number += 1
        return self._number

    def add(self, receipt: Receipt) -> None:
        """Keep a receipt."""
        self._receipts.append(receipt)

    @property
    def last(self) -> Receipt | None:
        """The newest receipt."""
        return self._receipts[-1] if self._receipts else None

    def undoable(self) -> Receipt | None:
        """Return the newest receipt that can still be taken back."""
        for receipt in reversed(self._receipts):
            if receipt.undo is not None and not receipt.undone and receipt.state is ReceiptState.ACKED:
                return receipt
        return None

    def waiting(self) -> list[Receipt]:
        """Return receipts whose effect is still looked for."""
        return [receipt for receipt in self._receipts if receipt.effect_state is EffectState.WAITING]
