"""The life of a task: its states, and the one table of what may follow what.

Everything that changes or shows a state asks this table; no other place decides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class TaskState(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRIED = "retried"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether only a replay leaves this state."""
        return self in TERMINAL


TERMINAL: Final = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED})

# running -> running: the worker died and another one took over. running -> queued: handed back unfinished.
# queued -> failed: dead-lettered without running (poison, unregistered, bad signature).
# terminal -> queued: a replay, and nothing else.
TRANSITIONS: Final[Mapping[TaskState, frozenset[TaskState]]] = MappingProxyType(
    {
        TaskState.QUEUED: frozenset({TaskState.QUEUED, TaskState.RUNNING, TaskState.FAILED, TaskState.CANCELLED}),
        TaskState.RUNNING: frozenset(TaskState),
        TaskState.RETRIED: frozenset({TaskState.RUNNING, TaskState.FAILED, TaskState.CANCELLED}),
        TaskState.SUCCEEDED: frozenset({TaskState.QUEUED}),
        TaskState.FAILED: frozenset({TaskState.QUEUED}),
        TaskState.CANCELLED: frozenset({TaskState.QUEUED}),
    }
)


def may_follow(current: TaskState, new: TaskState) -> bool:
    """Return whether a task may go from `current` to `new`."""
    return new in TRANSITIONS[current]
