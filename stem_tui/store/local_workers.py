"""Worker processes that this console started, and what they wrote."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from stem_tui.store.clean import clean_detail

MAX_LINES: Final = 2000


class LocalState(StrEnum):
    """How a local worker's process stands."""

    STARTING = "start"
    RUNNING = "run"
    STOPPING = "stop"
    EXITED = "exit"


class LogLine(NamedTuple):
    """A line that the process wrote. `at` is epoch seconds."""

    at: float
    text: str


@dataclass(slots=True)
class LocalWorker:
    """A worker process of this console. Times are epoch seconds.

    Attributes:
        key: Its worker id.
        app: Where its tasks are, `module:attribute`.
        queues: Queues it was started for.
        concurrency: Slots it was started with, None for its own default.
        command: The command line, without credentials.
        started_at: When.
        pid: Process id, None before it runs.
        state: How it stands.
        exit_code: How it ended; negative for a signal.
        ended_at: When it ended.
        stop_asked_at: When it was told to stop.
        log: Its last lines, harmless.
        dropped: Lines that did not fit any more.
    """

    key: str
    app: str
    queues: tuple[str, ...]
    concurrency: int | None
    command: str
    started_at: float
    pid: int | None = None
    state: LocalState = LocalState.STARTING
    exit_code: int | None = None
    ended_at: float | None = None
    stop_asked_at: float | None = None
    log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=MAX_LINES))
    dropped: int = 0

    @property
    def is_alive(self) -> bool:
        """Whether its process has not ended."""
        return self.state is not LocalState.EXITED

    @property
    def ending(self) -> str:
        """How its process ended: `exit 64`, `killed by signal 9`; empty while it lives."""
        if self.exit_code is None:
            return ""
        return f"exit {self.exit_code}" if self.exit_code >= 0 else f"killed by signal {-self.exit_code}"

    @property
    def last_words(self) -> str:
        """The last line that it wrote, which says why if it failed; empty if it wrote none."""
        return next((line.text for line in reversed(self.log) if line.text.strip()), "")

    def write(self, text: str, at: float) -> None:
        """Keep a line of its output, made harmless."""
        if len(self.log) == self.log.maxlen:
            self.dropped += 1
        self.log.append(LogLine(at, clean_detail(text.replace("\t", "    "))))
