"""What the console knows: pure state, bounded, with the time handed in."""

from stem_tui.store.forecast import Drain, drain_forecast
from stem_tui.store.identity import ARMED_FOR, Identity
from stem_tui.store.inspection import Inspection
from stem_tui.store.letters import LetterBook, LetterEntry, LetterKey, letter_key
from stem_tui.store.link import Link, LinkState
from stem_tui.store.local_workers import LocalState, LocalWorker
from stem_tui.store.model import ClusterModel
from stem_tui.store.queues import QueueEntry
from stem_tui.store.receipts import Ack, Effect, EffectState, Receipt, Receipts, ReceiptState, Undo
from stem_tui.store.schedules import ScheduleItem
from stem_tui.store.tasks import TaskEntry
from stem_tui.store.waiting import Waiting, WaitingTask
from stem_tui.store.workers import WorkerEntry, WorkerState

__all__ = [
    "ARMED_FOR",
    "Ack",
    "ClusterModel",
    "Drain",
    "Effect",
    "EffectState",
    "Identity",
    "Inspection",
    "LetterBook",
    "LetterEntry",
    "LetterKey",
    "Link",
    "LinkState",
    "LocalState",
    "LocalWorker",
    "QueueEntry",
    "Receipt",
    "ReceiptState",
    "Receipts",
    "ScheduleItem",
    "TaskEntry",
    "Undo",
    "Waiting",
    "WaitingTask",
    "WorkerEntry",
    "WorkerState",
    "drain_forecast",
    "letter_key",
]
