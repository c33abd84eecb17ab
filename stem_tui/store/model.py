"""All that the console knows of its cluster. Pure state: no input or output, and the time is handed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stem_core.delivery import QueueStats
from stem_core.events import Frame, WorkerShutdown
from stem_core.results import TaskStatus
from stem_core.snapshot import RunningTask, WorkerSnapshot
from stem_tui.store.clean import clean, clean_detail
from stem_tui.store.crew import Crew
from stem_tui.store.details import TaskDetail, detail_of
from stem_tui.store.effects import effect_lost, effect_seen
from stem_tui.store.events import EventTail
from stem_tui.store.identity import Identity
from stem_tui.store.inspection import Inspection
from stem_tui.store.letters import LetterEntry, Letters
from stem_tui.store.link import Link, LinkState
from stem_tui.store.local_workers import LocalWorker
from stem_tui.store.outcomes import OutcomeBook
from stem_tui.store.queues import QueueEntry
from stem_tui.store.receipts import EFFECT_WITHIN, EffectState, Receipts, ReceiptState
from stem_tui.store.reducer import Source, reduce_event
from stem_tui.store.schedules import Schedules
from stem_tui.store.tasks import TaskBook
from stem_tui.store.waiting import Waiting, waiting_of
from stem_tui.store.workers import WorkerEntry


class ClusterModel:
    """The cluster as far as it is known, and how old that knowledge is.

    `now` is always the console's monotonic clock. Figures that are not known are None, never 0.

    Attributes:
        identity: Which cluster, and what may be done to it.
        version: Grows with each change, so that painting can be left out when nothing changed.
        link: How the console stands with the broker.
        queues: By name.
        queues_read_at: When queues were last read, None if never.
        crew: Workers.
        tasks: Tasks seen in events.
        events: The event tail.
        outcomes: How the runs of each task ended lately.
        receipts: What became of commands.
        local: Worker processes of this console, by worker id.
        watched: Id of the task that is looked at in full, or None.
        watched_letter: Key of the dead letter that it is, or None.
        detail: That task, None until it was read.
        detail_read_at: When it was last looked for.
        warnings: What an operator should know of the broker, a sentence each.
        watched_queue: Queue whose waiting tasks are looked at, or None.
        waiting: Those tasks, None until they were read.
        letters: Dead letters, as far as they are looked at.
        schedules: What is enqueued when, as far as it is looked at.
        inspection: What a worker answered last when it was asked for all that it has.
        problems: What could not be read though the broker answers, by part (`queues`, `workers`, `events`, `task`,
            `waiting`, `letters`, `schedules`).
    """

    def __init__(self, identity: Identity | None = None, *, started: float = 0.0, wall_offset: float = 0.0) -> None:
        self.identity = identity or Identity()
        self.version = 0
        self.started = started
        self.link = Link(since=started)
        self.queues: dict[str, QueueEntry] = {}
        self.queues_read_at: float | None = None
        self.crew = Crew()
        self.tasks = TaskBook()
        self.events = EventTail()
        self.outcomes = OutcomeBook()
        self.receipts = Receipts()
        self.local: dict[str, LocalWorker] = {}
        self.watched: str | None = None
        self.watched_letter: str | None = None
        self.detail: TaskDetail | None = None
        self.detail_read_at: float | None = None
        self.warnings: tuple[str, ...] = ()
        self.watched_queue: str | None = None
        self.waiting: Waiting | None = None
        self.letters = Letters()
        self.schedules = Schedules()
        self.inspection: Inspection | None = None
        self.problems: dict[str, str] = {}
        self._wall_offset = wall_offset
        self._missed_before = 0

    @property
    def workers(self) -> dict[str, WorkerEntry]:
        """Workers by id: those that are there, and those that vanished lately."""
        return self.crew.entries

    def touch(self) -> None:
        """Note that something changed which is not applied here, such as a local worker's log."""
        self.version += 1

    def set_clock(self, wall: float, now: float) -> None:
        """Note what the wall clock shows at a monotonic moment."""
        self._wall_offset = wall - now

    def wall(self, now: float) -> float:
        """Return epoch seconds at a monotonic moment."""
        return now + self._wall_offset

    # The link

    def link_connecting(self, tries: int, next_try: float | None, reason: str, now: float) -> None:
        """Note that the broker was tried and does not answer; `next_try` is when it is tried again."""
        link = self.link
        if link.state is LinkState.LIVE:
            self.link_down(reason, now)
        link.tries = tries
        link.next_try = next_try
        link.reason = clean_detail(reason)
        self.version += 1

    def link_up(self, now: float) -> None:
        """Note that the broker answers."""
        link = self.link
        if link.state is LinkState.DOWN:
            link.gap = now - link.since
            link.back_at = now
        if link.state is not LinkState.LIVE:
            link.state, link.since = LinkState.LIVE, now
        link.tries, link.next_try, link.reason = 0, None, ""
        self.version += 1

    def warned(self, warnings: Iterable[str]) -> None:
        """Note what the broker that answers warns of."""
        self.warnings = tuple(clean_detail(warning) for warning in warnings)
        self.version += 1

    def link_down(self, reason: str, now: float) -> None:
        """Note that the broker stopped answering. What is known stays, but no rate is known any more."""
        link = self.link
        if link.state is LinkState.LIVE:
            link.state, link.since = LinkState.DOWN, now
            link.rtt = None
            link.tries = 0
            self._missed_before = self.events.missed
            for queue in self.queues.values():
                queue.interrupted()
        link.reason = clean_detail(reason)
        self.version += 1

    def apply_rtt(self, seconds: float, now: float) -> None:
        """Take the round trip to the broker."""
        self.link.rtt = seconds
        self.link.data_at = now
        self.version += 1

    def problem(self, part: str, reason: str | None) -> None:
        """Note that a part cannot be read though the broker answers, or (None) that it can."""
        if reason is None:
            if self.problems.pop(part, None) is not None:
                self.version += 1
        elif self.problems.get(part) != reason:
            self.problems[part] = clean_detail(reason)
            self.version += 1

    # The cluster

    def apply_stats(self, stats: Iterable[QueueStats], now: float) -> None:
        """Take the figures of all queues."""
        fresh: dict[str, QueueEntry] = {}
        for figures in stats:
            entry = self.queues.get(figures.name) or QueueEntry(figures, now)
            entry.update(figures, now)
            fresh[figures.name] = entry
        self.queues = fresh
        self.queues_read_at = self.link.data_at = now
        self._count_workers(now)
        self.version += 1

    def apply_workers(self, seen: Iterable[tuple[WorkerSnapshot, float]], now: float) -> None:
        """Take all workers, each with its age in seconds by the store's clock."""
        self.crew.update(seen, now)
        self.link.data_at = now
        self._count_workers(now)
        self.version += 1

    def _count_workers(self, now: float) -> None:
        if self.crew.read_at is None:
            return
        counts = self.crew.per_queue(now)
        for queue in self.queues.values():
            queue.workers = counts[queue.name]

    def apply_frames(self, frames: Iterable[Frame], now: float, undecodable: int = 0) -> None:
        """Take event frames, in the order read."""
        size = 0
        for frame in frames:
            size += self._apply_frame(frame, now)
        self.events.undecodable += undecodable
        if size or undecodable:
            self.events.count(size, now)
            self.link.data_at = now
            self.link.missed = self.events.missed - self._missed_before
            self.version += 1

    def _apply_frame(self, frame: Frame, now: float) -> int:
        repeated = self.events.admit(frame.source, frame.boot, frame.seq, len(frame.events), frame.dropped)
        source = Source(frame.source, clean(frame.source))
        append, record = self.events.entries.append, self.tasks.record
        for event in frame.events[repeated:] if repeated else frame.events:
            reduced = reduce_event(event, source)
            if reduced is None:
                continue
            entry, mark, state = reduced
            append(entry)
            self.events.kept += 1
            if mark is not None:
                record(entry.task_key, entry.subject, entry.queue, mark, state)
                self.outcomes.take(event, now)
            elif type(event) is WorkerShutdown:
                self.crew.farewell(event.worker)
        return len(frame.events) - repeated

    # One task

    def watch(self, task_id: str | None, letter: str | None = None) -> None:
        """Choose the task to look at in full, and the dead letter that it is, if it is one."""
        self.watched_letter = letter
        if task_id != self.watched:
            self.watched, self.detail, self.detail_read_at = task_id, None, None
            self.letters.of_task = None
            self.version += 1

    def apply_task(
        self, task_id: str, status: TaskStatus | None, now: float, letter: LetterEntry | None = None
    ) -> None:
        """Take what the store tells of a task, None if it knows none, and of the dead letter that it is."""
        if status is not None:
            self.tasks.settle(status)
        if task_id == self.watched:
            self.detail = detail_of(status, now) if status is not None else self.detail
            self.detail_read_at = now
            self.letters.of_task = letter
        self.version += 1

    def tasks_to_read(self) -> set[str]:
        """Return ids of tasks whose state is waited for: the watched one, and those that commands were about."""
        ids = {self.watched} if self.watched else set()
        for receipt in self.receipts.waiting():
            if receipt.effect is not None and receipt.effect.kind == "cancelled":
                ids.update(task_id for task_id in receipt.effect.keys if not self.tasks.has_ended(task_id))
        return ids

    def running(self) -> dict[str, tuple[WorkerEntry, RunningTask]]:
        """Return what workers hold, by task id, without what ended since they said so."""
        return {task_id: held for task_id, held in self.crew.running().items() if not self._ended(held[1])}

    def _ended(self, task: RunningTask) -> bool:
        known = self.tasks.get(task.id)
        return known is not None and known.state.is_terminal and known.at >= (task.started_at or 0.0)

    # What waits in one queue

    def watch_queue(self, queue: str | None) -> None:
        """Choose the queue whose waiting tasks to look at."""
        if queue != self.watched_queue:
            self.watched_queue, self.waiting = queue, None
            self.version += 1

    def apply_waiting(self, queue: str, found: Sequence[TaskStatus], now: float) -> None:
        """Take the tasks that wait in a queue, next to run first; what nobody looks at any more is dropped."""
        if queue == self.watched_queue:
            self.waiting = waiting_of(queue, found, now)
            self.version += 1

    # Commands

    def check_receipts(self, now: float) -> None:
        """Look whether the effects of commands can be seen by now."""
        for receipt in self.receipts.waiting():
            if receipt.effect is None or receipt.state is ReceiptState.SENT:
                continue
            lost = effect_lost(receipt.effect, self)
            if lost:
                receipt.state, receipt.effect_state, receipt.reason = ReceiptState.FAILED, EffectState.NONE, lost
            elif effect_seen(receipt.effect, self, receipt.sent):
                receipt.effect_state, receipt.effect_in = EffectState.SEEN, now - receipt.sent
            elif self.link.is_live and now - receipt.sent > EFFECT_WITHIN:
                receipt.effect_state = EffectState.UNSEEN
            else:
                continue
            self.version += 1
