"""What a running task knows of itself, and how it talks with its worker."""

from __future__ import annotations

from typing import NoReturn

from stem_core.delivery import Delivery
from stem_core.durations import Duration, seconds
from stem_core.envelope import Envelope
from stem_core.errors import RetryRequested, SoftTimeLimitExceeded, TaskSignal
from stem_core.redaction import hide, secret_values
from stem_core.tasks.enqueuing import BlockingRunner, Enqueuer, Enqueuing
from stem_core.text import visible

_MAX_NOTE = 200


class RunControl:
    """What a running handler and its worker share. Plain assignments only, so threads need no lock.

    Attributes:
        stop: What the handler is to be told at its next checkpoint, if anything.
        fraction: How far it says it is, 0 to 1.
        note: What it says it is doing.
    """

    __slots__ = ("fraction", "note", "stop")

    def __init__(self) -> None:
        self.stop: TaskSignal | None = None
        self.fraction: float | None = None
        self.note = ""

    def check(self) -> None:
        """Raise what the handler is to be told.

        A soft time limit is told once, so that the handler can clean up; everything else each time.
        """
        stop = self.stop
        if stop is not None:
            if isinstance(stop, SoftTimeLimitExceeded):
                self.stop = None
            raise stop


class TaskContext(Enqueuing):
    """One run of one task.

    Args:
        envelope: The job as it was sent.
        delivery: The job as it was handed to this worker.
        worker: Worker id.
        control: What the worker and this run share.
        enqueuer: Sends further tasks.
        runner: Runs it for a handler that blocks.

    Attributes:
        worker: Id of the worker that runs the task.
    """

    __slots__ = ("_control", "_delivery", "_enqueuer", "_envelope", "_runner", "worker")

    def __init__(
        self,
        envelope: Envelope,
        delivery: Delivery,
        worker: str,
        control: RunControl,
        enqueuer: Enqueuer | None = None,
        runner: BlockingRunner | None = None,
    ) -> None:
        self._envelope = envelope
        self._delivery = delivery
        self._control = control
        self._enqueuer = enqueuer
        self._runner = runner
        self.worker = worker

    @property
    def id(self) -> str:
        """Task id; the same for each run of the job."""
        return self._envelope.id

    @property
    def name(self) -> str:
        """Task name."""
        return self._envelope.name

    @property
    def queue(self) -> str:
        """Queue that the job came from."""
        return self._delivery.queue

    @property
    def args(self) -> dict[str, object]:
        """Arguments as sent."""
        return self._envelope.args

    @property
    def attempt(self) -> int:
        """Number of runs that ended in a retry before this one; 0 at first."""
        return self._delivery.attempt

    @property
    def deliveries(self) -> int:
        """How often the job was handed to a worker, this time included."""
        return self._delivery.deliveries

    @property
    def headers(self) -> dict[str, str]:
        """Headers as sent."""
        return self._envelope.headers

    @property
    def meta(self) -> dict[str, object]:
        """Metadata as sent."""
        return self._envelope.meta

    @property
    def lineage(self) -> dict[str, object]:
        """What the metadata of the tasks that this one sends says of it: `stem.parentTaskId`, `stem.rootTaskId`."""
        return {"stem.parentTaskId": self.id, "stem.rootTaskId": self.meta.get("stem.rootTaskId", self.id)}

    @property
    def token(self) -> str:
        """Fencing token of this delivery, to guard writes of the task's own."""
        return self._delivery.token

    def without_secrets(self, text: str) -> str:
        """Return a text without this job's secret arguments and headers, and without the passwords of addresses."""
        return hide(text, secret_values({"args": self.args, "headers": self.headers}, self._envelope.secrets))

    def checkpoint(self) -> None:
        """Give the worker a chance to end this task here. Cheap; safe in threads.

        Raises:
            TaskCancelled: The task was revoked, or its worker stops.
            LeaseLost: Another worker has the job now.
            SoftTimeLimitExceeded: The soft time limit has passed; raised once.
        """
        self._control.check()

    def heartbeat(self) -> None:
        """Do the same as `checkpoint`: the lease needs no help, its worker renews it."""
        self._control.check()

    def progress(self, fraction: float, note: str = "") -> None:
        """Say how far the task is; shown by `stem worker inspect --json` and the console. Also a checkpoint.

        Args:
            fraction: 0 to 1.
            note: What it is doing, in a few words.
        """
        self._control.fraction = min(max(float(fraction), 0.0), 1.0)
        self._control.note = visible(note, _MAX_NOTE)
        self._control.check()

    def retry(self, delay: Duration | None = None, reason: str = "retry requested") -> NoReturn:
        """End this run and have the task run again, as long as it has retries left.

        Args:
            delay: How long to wait, in seconds or as a timedelta; None for the retry policy's own delay.
            reason: Shown in events.
        """
        raise RetryRequested(None if delay is None else max(seconds(delay), 0.0), reason)
