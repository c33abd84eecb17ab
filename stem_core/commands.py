"""The vocabulary downward: what workers are asked to do, and what they answer.

Commands go to all workers of a namespace over the `control` topic; each worker looks whether it is meant, whether the
command is still good, and answers on the reply topic. A worker reads the topic from its own start on, so no command
hits a worker that was started later.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from stem_core.decoding import check_depth, decode
from stem_core.delivery import Revocation

CONTROL_TOPIC: Final = "control"
MAX_COMMAND_LIFE: Final = 300.0
"""Seconds from now within which a signed command must expire, so that workers need not remember ids for ever."""


def reply_topic(command_id: str) -> str:
    """Return the topic on which workers answer that command."""
    return f"reply.{command_id}"


class ShutdownMode(StrEnum):
    """How a worker ends.

    `WARM` finishes what runs and hands back the rest; `SOFT` asks tasks to stop and cuts them after a grace;
    `HARD` hands back everything and ends at once.
    """

    WARM = "warm"
    SOFT = "soft"
    HARD = "hard"


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Answer."""


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """Answer with a `WorkerSnapshot`."""


class Inspect(msgspec.Struct, frozen=True, tag="inspect"):
    """Answer with a `WorkerSnapshot` that lists all tasks, and with known revocations."""


class Revoke(msgspec.Struct, frozen=True, tag="revoke"):
    """Do not run these tasks; stop them if `terminate` is set and they run. The broker knows already."""

    revocations: tuple[Revocation, ...]


class PauseQueues(msgspec.Struct, frozen=True, tag="pause"):
    """Hand back what was fetched from these queues and has not started. The broker knows of the pause already."""

    queues: tuple[str, ...]
    reason: str = ""


class ResumeQueues(msgspec.Struct, frozen=True, tag="resume"):
    """Fetch from these queues again. The broker knows already."""

    queues: tuple[str, ...]


class Scale(msgspec.Struct, frozen=True, tag="scale"):
    """Change the number of slots, or the bounds of autoscaling."""

    concurrency: int | None = None
    minimum: int | None = None
    maximum: int | None = None


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Stop fetching, finish what runs, then end. Can be taken back until it ends."""


class Undrain(msgspec.Struct, frozen=True, tag="undrain"):
    """Take a drain back."""


class Shutdown(msgspec.Struct, frozen=True, tag="shutdown"):
    """End. `grace` is how many seconds tasks get in soft mode, None for the worker's own setting."""

    mode: ShutdownMode = ShutdownMode.WARM
    grace: float | None = None


class RateLimit(msgspec.Struct, frozen=True, tag="rate-limit"):
    """Read the rate limits that were set at run time again: `task` has another one. The broker knows already.

    `rate` is only for those who read along: `10/s`, `none`, or `default` for what the task's options say.
    """

    task: str
    rate: str = "default"


Order: TypeAlias = (
    Ping | Stats | Inspect | Revoke | PauseQueues | ResumeQueues | Scale | Drain | Undrain | Shutdown | RateLimit
)
ORDERS: Final[tuple[type[Order], ...]] = (
    Ping, Stats, Inspect, Revoke, PauseQueues, ResumeQueues, Scale, Drain, Undrain, Shutdown, RateLimit,
)  # fmt: skip


def order_name(order: Order | type[Order]) -> str:
    """Return the order's name, such as `ping`."""
    return str(order.__struct_config__.tag)


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """An order with its address.

    Args:
        id: Unique; names the reply topic.
        order: What to do.
        targets: Worker ids; empty for all.
        issuer: Who asks, such as `ann@bastion`.
        issued_at: Epoch seconds by the broker's clock.
        expires_at: A worker refuses the command after this, by the broker's clock.
    """

    id: str
    order: Order
    targets: tuple[str, ...] = ()
    issuer: str = ""
    issued_at: float = 0.0
    expires_at: float = 0.0


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker's answer.

    Args:
        command_id: Which command.
        worker: Who answers.
        status: `ok`, `error` (tried, failed) or `refused` (expired, not supported).
        error: Why not.
        payload: What the order asked for: JSON data by name.
        at: Epoch seconds by the worker's clock.
    """

    command_id: str
    worker: str
    status: str = "ok"
    error: str = ""
    payload: dict[str, object] = {}
    at: float = 0.0


_encoder: Final = msgspec.json.Encoder()
_command_decoder: Final = msgspec.json.Decoder(Command)
_reply_decoder: Final = msgspec.json.Decoder(Reply)


def encode_command(command: Command) -> bytes:
    """Encode a command for the control topic."""
    return _encoder.encode(command)


def decode_command(data: bytes) -> Command:
    """Decode a command; raises msgspec.MsgspecError if it is none."""
    check_depth(data)
    return decode(_command_decoder, data)


def encode_reply(reply: Reply) -> bytes:
    """Encode a reply."""
    return _encoder.encode(reply)


def decode_reply(data: bytes) -> Reply:
    """Decode a reply; raises msgspec.MsgspecError if it is none."""
    check_depth(data)
    return decode(_reply_decoder, data)
