"""The vocabulary upward: what happened.

One record per event, made once. In the process it goes to listeners (`stem_core.signals`), across processes in frames
over the `events` topic to consoles and scripts. Events carry no arguments and no results.

Records are encoded as JSON arrays with their tag first, which costs about a microsecond each.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from stem_core.decoding import decode
from stem_core.snapshot import WorkerSnapshot
from stem_core.states import TaskState

EVENTS_TOPIC: Final = "events"
MAX_TEXT: Final = 300


class _Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`at` is epoch seconds by the clock of whoever it happened to."""

    at: float


class _TaskEvent(_Event, frozen=True, array_like=True, gc=False):
    id: str
    task: str
    queue: str
    attempt: int


class BeforeTaskPublish(_TaskEvent, frozen=True, array_like=True, gc=False, tag="before_task_publish"):
    """A producer is about to send a task."""


class AfterTaskPublish(_TaskEvent, frozen=True, array_like=True, gc=False, tag="after_task_publish"):
    """The broker has the task."""


class TaskReceived(_TaskEvent, frozen=True, array_like=True, gc=False, tag="task_received"):
    """A worker fetched the task."""


class TaskPrerun(_TaskEvent, frozen=True, array_like=True, gc=False, tag="task_prerun"):
    """The handler is about to run."""


class TaskPostrun(_TaskEvent, frozen=True, array_like=True, gc=False, tag="task_postrun"):
    """The handler has ended; `state` is what the task becomes."""

    state: TaskState


class TaskSucceeded(_TaskEvent, frozen=True, array_like=True, gc=False, tag="task_succeeded"):
    """The task ended well. `runtime` is in seconds."""

    runtime: float


class TaskFailed(_TaskEvent, frozen=True, array_like=True, gc=False, tag="task_failed"):
    """The task failed for good and was dead-lettered. `reason` says why it is not retried."""

    runtime: float
    error: str
    reason: str


class TaskRetry(_TaskEvent, frozen=True, array_like=True, gc=False, tag="task_retry"):
    """The run failed; the task runs again after `delay` seconds."""

    runtime: float
    error: str
    delay: float


class TaskRevoked(_TaskEvent, frozen=True, array_like=True, gc=False, tag="task_revoked"):
    """The task was revoked or had expired; `terminated` if it was running."""

    reason: str
    by: str
    terminated: bool


class _WorkerEvent(_Event, frozen=True, array_like=True, gc=False):
    worker: str


class WorkerInit(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="worker_init"):
    """A worker starts."""


class WorkerReady(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="worker_ready"):
    """A worker fetches from now on."""

    queues: tuple[str, ...]
    broadcasts: tuple[str, ...]
    concurrency: int


class WorkerHeartbeat(_WorkerEvent, frozen=True, array_like=True, tag="worker_heartbeat"):
    """A worker lives."""

    snapshot: WorkerSnapshot


class WorkerStopping(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="worker_stopping"):
    """A worker stops (`mode` warm, soft or hard), or took a drain back (`mode` none)."""

    mode: str
    reason: str


class WorkerShutdown(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="worker_shutdown"):
    """A worker has stopped."""

    reason: str


class WorkerScaled(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="worker_scaled"):
    """A worker changed its number of slots, by command or by autoscaling."""

    before: int
    after: int
    reason: str


class WorkerChildInit(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="worker_child_init"):
    """A child process of a worker starts."""

    child: int


class WorkerChildShutdown(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="worker_child_shutdown"):
    """A child process of a worker has ended."""

    child: int


class ControlCommandReceived(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="control_command_received"):
    """A command for this worker arrived."""

    command: str
    command_id: str
    issuer: str


class ControlCommandCompleted(_WorkerEvent, frozen=True, array_like=True, gc=False, tag="control_command_completed"):
    """A worker carried a command out, or refused it (`status` ok, error or refused)."""

    command: str
    command_id: str
    issuer: str
    status: str
    detail: str


class _ScheduleEvent(_Event, frozen=True, array_like=True, gc=False):
    entry: str
    scheduled_for: float


class ScheduleEntryDue(_ScheduleEvent, frozen=True, array_like=True, gc=False, tag="schedule_entry_due"):
    """A schedule's tick has come."""


class ScheduleEntryDispatched(_ScheduleEvent, frozen=True, array_like=True, gc=False, tag="schedule_entry_dispatched"):
    """A schedule's task was enqueued, `drift` seconds after its tick."""

    drift: float


class ScheduleEntryFailed(_ScheduleEvent, frozen=True, array_like=True, gc=False, tag="schedule_entry_failed"):
    """A schedule's task could not be enqueued."""

    error: str


TaskEvent: TypeAlias = (
    BeforeTaskPublish
    | AfterTaskPublish
    | TaskReceived
    | TaskPrerun
    | TaskPostrun
    | TaskSucceeded
    | TaskFailed
    | TaskRetry
    | TaskRevoked
)
WorkerEvent: TypeAlias = (
    WorkerInit
    | WorkerReady
    | WorkerHeartbeat
    | WorkerStopping
    | WorkerShutdown
    | WorkerScaled
    | WorkerChildInit
    | WorkerChildShutdown
    | ControlCommandReceived
    | ControlCommandCompleted
)
ScheduleEvent: TypeAlias = ScheduleEntryDue | ScheduleEntryDispatched | ScheduleEntryFailed
Event: TypeAlias = TaskEvent | WorkerEvent | ScheduleEvent


def event_name(event: Event | type[Event]) -> str:
    """Return the event's name, such as `task_succeeded`."""
    return str(event.__struct_config__.tag)


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """Events of one process, published together.

    Args:
        source: Worker id (or producer's name).
        boot: The source's boot id; `seq` starts anew with each.
        seq: Number of the first event in this frame. A reader that expected a lower one has missed the difference.
        at: Epoch seconds when the frame was sealed.
        dropped: Events that the source itself gave up since its start, because its buffer was full.
        events: The events, oldest first.
    """

    source: str
    boot: str
    seq: int
    at: float
    dropped: int
    events: list[Event]


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Frame)


def encode_frame(frame: Frame) -> bytes:
    """Encode a frame for the events topic."""
    return _encoder.encode(frame)


def decode_frame(data: bytes) -> Frame:
    """Decode a frame; raises msgspec.MsgspecError if it is none."""
    return decode(_decoder, data)


def encode_event(event: Event) -> bytes:
    """Encode one event, for tests and exports."""
    return _encoder.encode(event)
