"""What is kept of a task that has ended, and what is told of any task."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from stem_core.decoding import MAX_DEPTH, check_depth, decode
from stem_core.envelope import Envelope
from stem_core.errors import RecordInvalidError
from stem_core.redaction import redacted, redacted_args, secret_values
from stem_core.states import TaskState


class TaskError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a task failed. `type` is the exception's class, `traceback` its text."""

    type: str
    message: str
    traceback: str = ""


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a store keeps of a task that has ended. `envelope` is the sealed JSON, as it was sent."""

    state: TaskState
    attempt: int = 0
    deliveries: int = 0
    result: object = None
    error: TaskError | None = None
    reason: str = ""
    worker: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    envelope: msgspec.Raw = msgspec.Raw(b"{}")


class TaskStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one task.

    Args:
        id: Task id.
        name: Task name.
        queue: Queue.
        state: Where it stands.
        attempt: Number of the last or current run; the first is 0.
        args: Arguments as sent.
        result: What it returned.
        error: Why it failed.
        reason: Why it was revoked or dead-lettered.
        worker: Who runs or ran it.
        deliveries: How often it was handed to a worker.
        enqueued_at: Epoch seconds; likewise the next three.
        started_at: When the last run began.
        finished_at: When it ended.
        due_at: When a delayed or retried task is due.
        secrets: Names of arguments that are not shown to people.
    """

    id: str
    name: str
    queue: str
    state: TaskState
    attempt: int = 0
    args: dict[str, object] = {}
    result: object = None
    error: TaskError | None = None
    reason: str = ""
    worker: str = ""
    deliveries: int = 0
    enqueued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    due_at: float | None = None
    secrets: tuple[str, ...] = ()

    def redacted(self) -> TaskStatus:
        """Return it as people may see it: without secret arguments, also where the result repeats one."""
        values = secret_values(self.args, self.secrets)
        return msgspec.structs.replace(
            self, args=redacted_args(self.args, self.secrets), result=redacted(self.result, self.secrets, values)
        )


T = TypeVar("T")

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(TaskRecord)
_envelope_decoder: Final = msgspec.json.Decoder(Envelope)
_result_decoder: Final = msgspec.json.Decoder()


def encode_record(record: TaskRecord) -> bytes:
    """Encode a record; raises TypeError or ValueError if its result is not JSON, or nested too deeply."""
    body = _encoder.encode(record)
    check_depth(body, MAX_DEPTH + 1)  # the record itself is a level around its parts
    return body


def decode_record(data: bytes) -> TaskRecord:
    """Decode a record that a store kept.

    Raises:
        RecordInvalidError: It is none.
    """
    return _read("the record of a task", _decoder, data)


def decode_result(data: bytes) -> object:
    """Decode the result of a member that a group keeps.

    Raises:
        RecordInvalidError: It is none.
    """
    return _read("a result", _result_decoder, data)


def status_of_record(data: bytes) -> TaskStatus:
    """Return what a stored record tells of its task.

    Raises:
        RecordInvalidError: It is none.
    """
    record = decode_record(data)
    envelope = _read("the envelope in the record of a task", _envelope_decoder, bytes(record.envelope))
    return TaskStatus(
        id=envelope.id,
        name=envelope.name,
        queue=envelope.queue,
        state=record.state,
        attempt=record.attempt,
        args=envelope.args,
        result=record.result,
        error=record.error,
        reason=record.reason,
        worker=record.worker,
        deliveries=record.deliveries,
        enqueued_at=envelope.enqueued_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        secrets=envelope.secrets,
    )


def _read(what: str, decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    try:
        return decode(decoder, data)
    except msgspec.MsgspecError as error:
        raise RecordInvalidError(f"{what} cannot be read: {error}") from error
