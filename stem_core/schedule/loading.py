"""Reading a schedule file, YAML or JSON.

Whatever is unknown or of the wrong type is an error that names file, line and key: an entry that is half understood
would send work at the wrong time, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from stem_core.durations import parse_duration, seconds
from stem_core.errors import ConfigurationError
from stem_core.options import MAX_PRIORITY
from stem_core.routing.document import read_document
from stem_core.routing.node import Node
from stem_core.schedule.entry import ScheduleEntry, ScheduleError

if TYPE_CHECKING:
    import os


def load_schedules(path: str | os.PathLike[str]) -> list[ScheduleEntry]:
    """Read a schedule file.

    Args:
        path: A YAML or JSON file, at most 1 MiB, with entries by name under `schedules`.

    Raises:
        ConfigurationError: The file cannot be read or does not say what it must; names file, line, key and what is
            right.
    """
    parts = read_document(path, "schedule").mapping({"schedules"})
    return [_entry(name, node) for name, node in parts["schedules"].entries().items()] if parts else []


def _entry(name: str, node: Node) -> ScheduleEntry:
    parts = node.mapping(_READERS.keys(), required={"task"})
    values = {key: _READERS[key](value) for key, value in parts.items()}
    try:
        return ScheduleEntry(name, **values)  # type: ignore[arg-type]  # each reader gives what its field takes
    except ScheduleError as error:
        raise parts.get(error.field, node).wrong(error.found, error.hint or "correct it") from error


def _duration(node: Node) -> float:
    value = node.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return seconds(value)
    try:
        return parse_duration(node.text(), node.path)
    except ConfigurationError as error:
        raise node.wrong(f"is {value!r}, which is not a duration", "write for example 30s, 5m or 1h") from error


def _moment(node: Node) -> datetime:
    value = node.value
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise node.wrong(f"is {str(value)!r}", "write a moment with a timezone, such as 2025-01-01T00:00:00Z")
    return moment


def _args(node: Node) -> Mapping[str, object]:
    return {name: value.value for name, value in node.entries().items()}


_READERS: Final[dict[str, Callable[[Node], object]]] = {
    "task": Node.text,
    "cron": Node.text,
    "every": _duration,
    "args": _args,
    "timezone": Node.text,
    "queue": Node.text,
    "priority": lambda node: node.integer(0, MAX_PRIORITY),
    "expires": _duration,
    "jitter": _duration,
    "missed": Node.text,
    "grace": _duration,
    "start_at": _moment,
    "end_at": _moment,
    "enabled": Node.flag,
}
