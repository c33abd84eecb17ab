"""Dead letters, as far as a page asked for them: light records, never their bodies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from stem_core.redaction import redacted_args
from stem_core.text import visible
from stem_tui.store.causes import Cause, cause_of
from stem_tui.store.clean import clean, clean_error

if TYPE_CHECKING:
    from stem_core.client.dead_letters import Letter

MAX_LETTERS: Final = 2_000
"""Letters read at first, the newest of each queue; a queue may hold millions."""
MAX_LETTERS_ASKED: Final = 50_000
"""Letters read at most, once more were asked for."""
_ARGS_SHOWN: Final = 160
_NO_ENVELOPE: Final = "(no envelope)"


class LetterKey(NamedTuple):
    """One death of one job: a letter that was replayed and is dead again is another one."""

    queue: str
    id: str
    died_at: float

    @property
    def text(self) -> str:
        """The key as rows and marks have it."""
        return f"{self.died_at!r} {self.queue} {self.id}"


def letter_key(text: str) -> LetterKey:
    """Return the key that a text stands for."""
    died_at, queue, task_id = text.split(" ", 2)
    return LetterKey(queue, task_id, float(died_at))


class LetterEntry(NamedTuple):
    """A dead letter. All text but its key is harmless.

    Args:
        key: Queue, id and time of death.
        queue: Queue.
        task: Task name, or that the bytes are no envelope.
        reason: Why it is dead, such as `poison`.
        error: Its error in one line.
        attempt: Number of its last run, from 0.
        deliveries: How often it was handed to a worker.
        size: Bytes of its envelope.
        args: The beginning of its arguments as JSON, without secrets.
        readable: Whether its bytes are an envelope.
        cause: What it shares with others.
    """

    key: LetterKey
    queue: str
    task: str
    reason: str
    error: str
    attempt: int
    deliveries: int
    size: int
    args: str
    readable: bool
    cause: Cause


class LetterBook:
    """The letters that were read, newest first.

    Args:
        queues: Of these queues; of all if empty.
        entries: The letters.
        total: How many there are, as far as queues were read; more than `entries` if some were not.
        read_at: When, by the console's monotonic clock.
    """

    def __init__(self, queues: tuple[str, ...], entries: Iterable[LetterEntry], total: int, read_at: float) -> None:
        self.queues = queues
        self.entries = tuple(sorted(entries, key=lambda entry: -entry.key.died_at))
        self.total = max(total, len(self.entries))
        self.read_at = read_at

    @property
    def unread(self) -> int:
        """How many there are that were not read."""
        return self.total - len(self.entries)

    @cached_property
    def by_key(self) -> Mapping[str, LetterEntry]:
        """The letters by the text of their keys."""
        return {entry.key.text: entry for entry in self.entries}

    @cached_property
    def by_cause(self) -> Mapping[str, tuple[LetterEntry, ...]]:
        """The letters of each cause, newest first, by the cause's mark."""
        found: dict[str, list[LetterEntry]] = {}
        for entry in self.entries:
            found.setdefault(entry.cause.mark, []).append(entry)
        return {mark: tuple(entries) for mark, entries in found.items()}


def key_of(letter: Letter) -> LetterKey:
    """Return the key of a letter."""
    return LetterKey(letter.dead.queue, letter.dead.id, letter.dead.died_at)


def entry_of(letter: Letter) -> LetterEntry:
    """Return what to keep of a letter."""
    dead, task = letter.dead, letter.task
    return LetterEntry(
        key=key_of(letter),
        queue=clean(dead.queue),
        task=clean(task) if task is not None else _NO_ENVELOPE,
        reason=clean(dead.reason),
        error=clean_error(dead.error),
        attempt=dead.attempt,
        deliveries=dead.deliveries,
        size=len(dead.body),
        args=_args(letter),
        readable=task is not None,
        cause=cause_of(dead.error, dead.reason, task or ""),
    )


def _args(letter: Letter) -> str:
    envelope = letter.envelope
    if envelope is None:
        return ""
    args = redacted_args(envelope.args, envelope.secrets)
    parts = (f"{key}: {_value(value)}" for key, value in list(args.items())[:8])
    return visible(", ".join(parts), _ARGS_SHOWN)


def _value(value: object) -> str:
    if isinstance(value, str):
        return value[:_ARGS_SHOWN]
    return msgspec.json.encode(value, enc_hook=repr)[:_ARGS_SHOWN].decode("utf-8", "replace")


class Letters:
    """Whose dead letters are looked at, and those that were read.

    Attributes:
        watched: Queues whose letters are read again and again; all if empty, none if None.
        book: What was read last; None if nothing was.
        limit: How many are read at most.
        of_task: The letter of the task that is looked at in full; None if it is none, or not known to be one.
    """

    def __init__(self) -> None:
        self.of_task: LetterEntry | None = None
        self.watched: tuple[str, ...] | None = None
        self.book: LetterBook | None = None
        self.limit = MAX_LETTERS

    def watch(self, queues: tuple[str, ...] | None) -> None:
        """Choose the queues; None stops reading, and keeps what was read."""
        self.watched = queues
        if queues is not None and self.book is not None and self.book.queues != queues:
            self.book, self.limit = None, MAX_LETTERS

    def read_on(self) -> None:
        """Read as many as there are, within reason."""
        self.limit = MAX_LETTERS_ASKED

    def take(self, book: LetterBook) -> None:
        """Take what was read; what nobody looks at any more is dropped."""
        if book.queues == self.watched:
            self.book = book

    def find(self, key: str) -> LetterEntry | None:
        """Return the letter of that key, as far as letters were read."""
        if self.of_task is not None and self.of_task.key.text == key:
            return self.of_task
        return self.book.by_key.get(key) if self.book is not None else None
