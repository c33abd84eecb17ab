"""What tasks are to the programs that define them: handlers, their registry, and the context of a run."""

from __future__ import annotations

from stem_core.tasks.binding import Binding
from stem_core.tasks.context import RunControl, TaskContext
from stem_core.tasks.enqueuing import BlockingRunner, EnqueueOptions, Enqueuer, GroupOptions
from stem_core.tasks.handler import FunctionTaskHandler, TaskHandler, execution_of
from stem_core.tasks.registry import SimpleTaskRegistry

__all__ = [
    "Binding",
    "BlockingRunner",
    "EnqueueOptions",
    "Enqueuer",
    "FunctionTaskHandler",
    "GroupOptions",
    "RunControl",
    "SimpleTaskRegistry",
    "TaskContext",
    "TaskHandler",
    "execution_of",
]
