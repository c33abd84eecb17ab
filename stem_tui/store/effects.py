"""Whether the effect of a command can be seen in the cluster's own figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from stem_core.states import TaskState
from stem_tui.store.receipts import Effect

if TYPE_CHECKING:
    from stem_tui.store.model import ClusterModel
    from stem_tui.store.queues import QueueEntry
    from stem_tui.store.workers import WorkerEntry


class _Look(NamedTuple):
    """Where to look for an effect: at one of its keys, in figures read after `since`."""

    model: ClusterModel
    key: str
    value: int
    since: float

    @property
    def queue(self) -> QueueEntry | None:
        queue = self.model.queues.get(self.key)
        return queue if queue is not None and queue.read_at >= self.since else None

    @property
    def worker(self) -> WorkerEntry | None:
        return self.model.crew.entries.get(self.key)


def _paused(look: _Look) -> bool:
    return look.queue is not None and look.queue.stats.paused is not None


def _resumed(look: _Look) -> bool:
    return look.queue is not None and look.queue.stats.paused is None


def _draining(look: _Look) -> bool:
    return look.worker is None or look.worker.snapshot.state in {"draining", "stopping"}


def _running(look: _Look) -> bool:
    return look.worker is not None and look.worker.snapshot.state == "running"


def _concurrency(look: _Look) -> bool:
    return look.worker is not None and look.worker.snapshot.concurrency == look.value


def _gone(look: _Look) -> bool:
    return look.worker is None or look.worker.lost


def _stopped(look: _Look) -> bool:
    local = look.model.local.get(look.key)
    return local is None or not local.is_alive


def _cancelled(look: _Look) -> bool:
    task = look.model.tasks.get(look.key)
    return task is not None and task.state is TaskState.CANCELLED


def _switched(look: _Look, *, on: bool) -> bool:
    schedules = look.model.schedules
    item = schedules.find(look.key)
    return item is not None and schedules.read_at is not None and schedules.read_at >= look.since and item.enabled is on


_CHECKS: Final[dict[str, Callable[[_Look], bool]]] = {
    "paused": _paused,
    "resumed": _resumed,
    "draining": _draining,
    "running": _running,
    "present": lambda look: look.worker is not None,
    "concurrency": _concurrency,
    "gone": _gone,
    "stopped": _stopped,
    "cancelled": _cancelled,
    "enabled": partial(_switched, on=True),
    "disabled": partial(_switched, on=False),
}


def effect_lost(effect: Effect, model: ClusterModel) -> str:
    """Return why the effect will never be seen, such as a local worker that ended at once; empty if it still may."""
    for key in effect.keys if effect.kind == "present" else ():
        local = model.local.get(key)
        if local is not None and not local.is_alive:
            return f"{local.ending}: {local.last_words}" if local.last_words else local.ending
    return ""


def effect_seen(effect: Effect, model: ClusterModel, since: float) -> bool:
    """Return whether all that the effect names shows it. `since` is when the command was sent, monotonic."""
    check = _CHECKS[effect.kind]
    return all(check(_Look(model, key, effect.value, since)) for key in effect.keys)
