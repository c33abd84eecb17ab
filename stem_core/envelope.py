"""What travels through a queue: the task's name and arguments, and the options that its caller set.

The envelope is sealed once, by its producer. Stores and workers pass the sealed bytes on unchanged, also on a retry,
so that a signature over them stays good. What changes from run to run (the attempt, the number of deliveries) stands
beside the bytes, in `Delivery`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from stem_core.decoding import check_depth, decode
from stem_core.durations import FIRST_MOMENT, LAST_MOMENT, MAX_SECONDS
from stem_core.errors import (
    ConfigurationError,
    EnvelopeInvalidError,
    EnvelopeTooLargeError,
    InvalidArgumentsError,
)
from stem_core.retry import TaskRetryPolicy

MAX_ENVELOPE_BYTES: Final = 1024 * 1024
MAX_MEMBERS: Final = 100_000
"""Members of one group, whose results one job is given."""
GROUP_TTL: Final = 86_400.0
"""Seconds for which the results of a group are kept if nothing else is said."""
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")

# Workers take these from an envelope to a store as they are, so they must be what every store takes.
Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x20\x7f]{1,128}\Z")]
QueueName: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,128}\Z")]
Source: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^(task|error|group):[^\x00-\x20\x7f]{1,128}\Z")]


Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=MAX_SECONDS)]
Moment: TypeAlias = Annotated[float, msgspec.Meta(ge=FIRST_MOMENT, le=LAST_MOMENT)]


class FollowUp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A sealed job inside the envelope of the one that it follows, and what a store must know to take it.

    Args:
        id: Task id.
        queue: Queue name.
        priority: 0 to 9.
        delay: Seconds to wait once it is sent.
        not_before: Epoch seconds before which it is not ready.
        body: Its own sealed envelope, byte by byte, signature included.
    """

    id: Id
    queue: QueueName
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    delay: Seconds = 0.0
    not_before: Moment | None = None
    body: msgspec.Raw

    def sealed(self) -> Sealed:
        """Return it as a store takes it."""
        return Sealed(self.id, self.queue, self.priority, bytes(self.body), self.delay, self.not_before)


class GroupPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Which member of a group a job is.

    Args:
        id: Group id.
        index: 0 to total - 1.
        total: How many members there are.
        callback: Sent by whoever ends the last member, if there is one.
        on_error: Sent if the member ends without success; under one id for all members.
        ttl: Seconds for which the group is kept.
    """

    id: Id
    index: Annotated[int, msgspec.Meta(ge=0, lt=MAX_MEMBERS)]
    total: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    callback: FollowUp | None = None
    on_error: FollowUp | None = None
    ttl: Annotated[float, msgspec.Meta(gt=0)] = GROUP_TTL


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One job as its producer sent it. Durations are seconds, times seconds since the epoch.

    Options that are None were not set by the caller; the worker's registry fills them. `secrets` names the arguments
    that are not shown to people; `unique` is the key of a job of which there is one at a time. `inputs`
    says where arguments come from that were not known yet: `task:`, `error:` or `group:`, and an id. `links` are sent
    when the job succeeds, `error_links` when it becomes a dead letter.
    """

    id: str
    name: str
    queue: str = "default"
    args: dict[str, object] = {}
    enqueued_at: Moment = 0.0
    headers: dict[str, str] = {}
    meta: dict[str, object] = {}
    priority: int = 0
    max_retries: int | None = None
    retry_policy: TaskRetryPolicy | None = None
    visibility_timeout: Seconds | None = None
    soft_time_limit: Seconds | None = None
    hard_time_limit: Seconds | None = None
    expires_at: Moment | None = None
    result_ttl: Seconds | None = None
    ignore_result: bool | None = None
    broadcast: str | None = None
    secrets: tuple[str, ...] = ()
    unique: str = ""
    inputs: dict[str, Source] = {}
    links: tuple[FollowUp, ...] = ()
    error_links: tuple[FollowUp, ...] = ()
    group: GroupPlace | None = None


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """An envelope's bytes, and what a store must know of them without reading them.

    Args:
        id: Task id.
        queue: Queue name.
        priority: 0 to 9.
        body: The encoded envelope; never changed after sealing.
        delay: Seconds to wait in the store before the job is ready, by the store's clock.
        not_before: Epoch seconds before which the job is not ready; an alternative to `delay`.
    """

    id: str
    queue: str
    priority: int
    body: bytes
    delay: float = 0.0
    not_before: float | None = None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Envelope)


def new_task_id() -> str:
    """Return a new id, ordered by time: a UUID version 7 (RFC 9562) as 32 hexadecimal digits."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return f"{value:032x}"


def check_name(kind: str, name: Any) -> str:
    """Return the name if it may name a queue, namespace, channel or worker.

    Raises:
        ConfigurationError: It has other characters than letters, digits, `.`, `_`, `-`, or over 128 of them.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{kind} name {name!r} is not usable",
            "use 1 to 128 of letters, digits, dot, underscore, hyphen",
        )
    return name


def seal(
    envelope: Envelope,
    delay: float = 0.0,
    not_before: float | None = None,
    sign: Callable[[Envelope, bytes], bytes] | None = None,
) -> Sealed:
    """Encode an envelope for a store.

    Args:
        envelope: The job.
        delay: Seconds to wait in the store.
        not_before: Epoch seconds before which the job is not ready.
        sign: Signs the encoded envelope, if it is to be signed.

    Raises:
        InvalidArgumentsError: Its arguments are not JSON, or nested deeper than 256 levels.
        EnvelopeTooLargeError: It is over the limit.
    """
    try:
        body = _encoder.encode(envelope)
        check_depth(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise not_sendable(envelope.name, error) from error
    if sign is not None:
        body = sign(envelope, body)
    if len(body) > MAX_ENVELOPE_BYTES:
        raise EnvelopeTooLargeError(
            f"the envelope of {envelope.name!r} has {len(body):,} bytes",
            f"at most {MAX_ENVELOPE_BYTES:,}; store large data elsewhere and send its address",
        )
    return Sealed(envelope.id, envelope.queue, envelope.priority, body, delay, not_before)


def not_sendable(task: str, error: Exception) -> InvalidArgumentsError:
    """Return the error for arguments that are not JSON."""
    return InvalidArgumentsError(
        f"the arguments of {task!r} cannot be sent: {error}",
        "use what JSON knows: text, numbers, booleans, null, lists and objects with text keys",
    )


def unseal(body: bytes) -> Envelope:
    """Decode an envelope from a queue.

    Raises:
        EnvelopeInvalidError: The bytes are too many, not JSON, nested too deeply, or not an envelope; the message
            names the field.
    """
    if len(body) > MAX_ENVELOPE_BYTES:
        raise EnvelopeInvalidError(f"the envelope has {len(body):,} bytes, more than {MAX_ENVELOPE_BYTES:,}")
    try:
        check_depth(body)
        return decode(_decoder, body)
    except msgspec.MsgspecError as error:
        raise EnvelopeInvalidError(f"not an envelope: {error}") from error
