"""One task in full, as the store tells it, cut to what a screen can bear."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from stem_core.results import TaskStatus
from stem_core.states import TaskState
from stem_core.text import visible, visible_lines
from stem_tui.store.clean import clean, clean_detail

MAX_LINES: Final = 300
MAX_BYTES: Final = 64 * 1024
MAX_WIDTH: Final = 400


class Document(NamedTuple):
    """A longer text: its first lines, harmless, its size in bytes, and whether lines were left out."""

    lines: tuple[str, ...]
    size: int
    cut: bool = False


class TaskDetail(NamedTuple):
    """A task in full.

    Args:
        status: What the store tells; its text is harmless, its arguments and result are not kept.
        args: Its arguments as JSON.
        result: What it returned as JSON, or None.
        error: Its error in one line, or empty.
        traceback: The traceback, or None.
        read_at: When it was read, by the console's monotonic clock.
    """

    status: TaskStatus
    args: Document
    result: Document | None
    error: str
    traceback: Document | None
    read_at: float


def document(text: str) -> Document:
    """Cut and clean a longer text."""
    size = len(text.encode("utf-8", "surrogatepass"))
    lines = visible_lines(text[:MAX_BYTES], MAX_LINES)
    cut = size > MAX_BYTES or text[:MAX_BYTES].count("\n") >= MAX_LINES
    return Document(tuple(visible(line, MAX_WIDTH) for line in lines), size, cut)


def json_document(value: object) -> Document:
    """Write a value as indented JSON, cut and cleaned; its size is that of the compact form."""
    compact = msgspec.json.encode(value, enc_hook=repr)
    if len(compact) > MAX_BYTES:
        text = compact[:MAX_BYTES].decode("utf-8", "replace")
        pieces = [text[start : start + 96] for start in range(0, 96 * MAX_LINES, 96) if start < len(text)]
        return Document(tuple(map(visible, pieces)), len(compact), cut=True)
    shown = document(msgspec.json.format(compact, indent=2).decode())
    return Document(shown.lines, len(compact), shown.cut)


def detail_of(status: TaskStatus, now: float) -> TaskDetail:
    """Return what to show of a task; secrets among its arguments and in its result are not."""
    status = status.redacted()
    error = status.error
    return TaskDetail(
        status=msgspec.structs.replace(
            status,
            name=clean(status.name),
            queue=clean(status.queue),
            reason=clean_detail(status.reason),
            worker=clean(status.worker),
            args={},
            result=None,
            error=None,
        ),
        args=json_document(status.args),
        result=json_document(status.result) if status.state is TaskState.SUCCEEDED else None,
        error="" if error is None else clean_detail(f"{error.type}: {error.message}"),
        traceback=document(error.traceback.rstrip()) if error is not None and error.traceback else None,
        read_at=now,
    )
