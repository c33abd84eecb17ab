"""What a worker and its child process say to each other: JSON, each message after its length in four bytes."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from stem_core.config import StemConfig
from stem_core.results import TaskError

MAX_MESSAGE: Final = 64 * 1024 * 1024
"""Bytes; a result that is longer fails its task instead of filling the worker's memory."""
_HEAD: Final = 4


class Setup(msgspec.Struct, frozen=True, kw_only=True, tag="setup"):
    """The first message to a child.

    Args:
        app: `package.module:attribute` of the Stem that has the tasks.
        worker: Worker id.
        location: Where the worker's broker is; the app's must be there too when a task enqueues.
        paths: Where to look for modules.
        config: Settings for the app, None for its own.
        log_level: Level at which the worker logs, None if its program has not set logging up.
        log_json: Whether it logs one JSON object a line.
    """

    app: str
    worker: str
    location: str
    paths: tuple[str, ...]
    config: StemConfig | None = None
    log_level: int | None = None
    log_json: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """Run a task. `body` is the envelope as it was sent, the rest is what its delivery says.

    `inputs` are the arguments that come from other tasks, by name.
    """

    id: str
    body: msgspec.Raw
    queue: str
    attempt: int
    deliveries: int
    token: str
    inputs: dict[str, object] = {}


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Tell the task at its next checkpoint; `lost` if another worker has it now."""

    id: str
    message: str
    hint: str | None
    lost: bool


class Leave(msgspec.Struct, frozen=True, tag="leave"):
    """End in order."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The child has its app; `tasks` are the names that it knows."""

    tasks: tuple[str, ...]


class Unable(msgspec.Struct, frozen=True, tag="unable"):
    """The child cannot load its app, and ends."""

    message: str
    hint: str | None


class Began(msgspec.Struct, frozen=True, tag="began"):
    """The child has taken the task: from here on its death is a failure of the task."""

    id: str


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far the task says it is."""

    id: str
    fraction: float | None
    note: str


class _Ended(msgspec.Struct, frozen=True, kw_only=True):
    """`rss` is the child's resident memory in bytes."""

    id: str
    rss: int


class Returned(_Ended, frozen=True, kw_only=True, tag="returned"):
    """The task ended well."""

    result: msgspec.Raw


class Unkept(_Ended, frozen=True, kw_only=True, tag="unkept"):
    """The task ended well, but what it returned is not JSON, or too much of it."""

    kind: str
    message: str


class Raised(_Ended, frozen=True, kw_only=True, tag="raised"):
    """The task failed. `classes` are the names of the exception's class and base classes."""

    error: TaskError
    classes: tuple[str, ...]


class Wished(_Ended, frozen=True, kw_only=True, tag="wished"):
    """The task asked to be retried, after `delay` seconds if it said."""

    delay: float | None
    reason: str


ToChild: TypeAlias = Setup | Run | Stop | Leave
Ended: TypeAlias = Returned | Unkept | Raised | Wished
FromChild: TypeAlias = Ready | Unable | Began | Progress | Ended

_encoder: Final = msgspec.json.Encoder()
decode_to_child: Final = msgspec.json.Decoder(ToChild).decode
decode_from_child: Final = msgspec.json.Decoder(FromChild).decode


def pack(message: ToChild | FromChild) -> bytes:
    """Return a message as it goes over the socket."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_HEAD, "big") + body


class Unpacker:
    """Cuts what came over the socket into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes in, and return the messages that are complete.

        Raises:
            ValueError: A length is impossible, so whoever writes there does not speak this language.
        """
        buffer = self._buffer
        buffer += data
        messages: list[bytes] = []
        start = 0
        while len(buffer) - start >= _HEAD:
            length = int.from_bytes(buffer[start : start + _HEAD], "big")
            if length > 2 * MAX_MESSAGE:
                raise ValueError(f"a message of {length} bytes is announced")
            end = start + _HEAD + length
            if len(buffer) < end:
                break
            messages.append(bytes(buffer[start + _HEAD : end]))
            start = end
        del buffer[:start]
        return messages
