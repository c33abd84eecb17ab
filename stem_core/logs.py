"""Log lines: for people as text, for programs as one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

from stem_core.middleware import CallNext, Middleware
from stem_core.tasks.context import TaskContext

_TEXT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_OWN: Final = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"))
_task: ContextVar[tuple[str, str] | None] = ContextVar("stem_task", default=None)


class JsonFormatter(logging.Formatter):
    """Makes a record one line of ASCII: `time`, `level`, `logger`, `message`, and what else is known.

    That is `worker`, `task` and `task_id` inside a task, `exception`, and whatever the caller gave as `extra`.

    Args:
        worker: Worker id, "" for none.
    """

    def __init__(self, worker: str = "") -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._worker:
            line["worker"] = self._worker
        running = _task.get()
        if running is not None:
            line["task"], line["task_id"] = running
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        extra = {name: value for name, value in vars(record).items() if name not in _OWN}
        return json.dumps({**extra, **line}, ensure_ascii=True, default=repr)


class TaskLogging(Middleware):
    """Lets log lines say in which task they were written."""

    async def on_execute(self, context: TaskContext, call_next: CallNext[TaskContext, object]) -> object:
        """Name the task while it runs."""
        token = _task.set((context.name, context.id))
        try:
            return await call_next(context)
        finally:
            _task.reset(token)


def log_to_stderr(level: str | int, *, as_json: bool = False, worker: str = "") -> None:
    """Say on stderr what the process does.

    Args:
        level: What is worth saying.
        as_json: One JSON object a line.
        worker: Worker id, for JSON.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(worker) if as_json else logging.Formatter(_TEXT))
    logging.basicConfig(level=level.upper() if isinstance(level, str) else level, handlers=[handler])


def logs_json() -> bool:
    """Return whether this process writes its log as JSON."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)
