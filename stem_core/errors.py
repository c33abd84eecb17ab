"""Everything that Stem raises.

Each error says what was found and, as its `hint`, what would be right. The class tells who must act: the caller
(`UsageError`), the operator (`ConfigurationError`, `BrokerUnavailable`, `BrokerFull`) or the task (`TaskSignal`).
"""

from __future__ import annotations


class StemError(Exception):
    """Base of every error that a user may meet.

    Args:
        message: What was found, naming the thing.
        hint: What would be right; shown on its own by the command line and the console.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class ConfigurationError(StemError):
    """A setting (variable, flag, file key, URL) does not say what it must. The operator acts."""


class DocumentError(ConfigurationError):
    """A configuration file does not say what it must.

    Args:
        message: What was found, naming file and key.
        hint: What would be right.
        line: Where, from 1; None if that is not known.
        column: Where in the line, from 1.
    """

    def __init__(
        self, message: str, hint: str | None = None, *, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message, hint)
        self.line = line
        self.column = column


class NotSupportedError(ConfigurationError):
    """A setting is understood, but this version cannot do what it asks for."""


class UsageError(StemError):
    """The program calls Stem in a way that cannot work. The caller acts."""


class UnknownTaskError(UsageError):
    """No handler of that name is registered."""


class DuplicateTaskError(UsageError):
    """A handler of that name is registered already."""


class InvalidArgumentsError(UsageError):
    """The arguments do not fit the handler, or cannot be sent as JSON."""


class EnvelopeTooLargeError(UsageError):
    """The encoded envelope is over the size limit."""


class RecordInvalidError(StemError):
    """What a store kept of a task or a group cannot be read."""


class EnvelopeInvalidError(StemError):
    """Bytes from a queue that are not an envelope."""


class SignatureError(StemError):
    """A message that is not signed, or not as it must be.

    Args:
        reason: `signature-missing`, `signature-unknown-key`, `signature-invalid` or `signature-not-allowed`.
        message: What was found.
        hint: What would be right.
    """

    def __init__(self, reason: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.reason = reason


class WaitTimeoutError(StemError):
    """A task did not reach a terminal state in the time given."""


class GroupFailedError(StemError):
    """A member of a group has ended without success, so that the group will not be complete by itself.

    Args:
        message: Which group, which member, and why.
        hint: What would bring the group on.
        task_id: The member's task id.
        task: Its task name.
        state: `failed` or `cancelled`.
    """

    def __init__(self, message: str, hint: str | None = None, *, task_id: str, task: str, state: str) -> None:
        super().__init__(message, hint)
        self.task_id = task_id
        self.task = task
        self.state = state


class BrokerError(StemError):
    """The broker answered with an error of its own."""


class BrokerUnavailableError(BrokerError):
    """The broker cannot be reached, or the connection broke. Trying again may help."""


class BrokerFullError(BrokerError):
    """The broker has no room for new work. What is queued goes on being finished."""


class StartError(StemError):
    """What a task was to run in could not be started: the worker's trouble, of which the task knows nothing."""


class ThreadStartError(StartError):
    """A thread for tasks did not start."""


class ChildStartError(StartError):
    """A child process for tasks did not come up."""


class ChildDiedError(StemError):
    """The child process that ran the task died; the message names its exit code or signal."""


class TaskFailedInChildError(StemError):
    """Stands in the worker for what a task raised in a child process.

    Args:
        kind: The exception's class.
        message: Its text.
        trace: Its traceback.
        class_names: Names of its class and base classes, for retry policies.
    """

    def __init__(self, kind: str, message: str, trace: str, class_names: frozenset[str]) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.text = message
        self.trace = trace
        self.class_names = class_names


class TaskSignal(StemError):  # noqa: N818 - control flow inside a task, not a fault
    """Base of what ends a running task from the outside, or by its own wish."""


class TaskCancelled(TaskSignal):
    """Raised inside a task at its next checkpoint once it was revoked, or its worker stops soft."""


class LeaseLost(TaskCancelled):
    """Another worker owns the job now; whatever this run returns is void."""


class SoftTimeLimitExceeded(TaskSignal):
    """Raised inside a task that ran longer than its soft time limit."""


class HardTimeLimitExceeded(TaskSignal):
    """The task ran longer than its hard time limit and was ended."""


class RetryRequested(TaskSignal):
    """Raised by `TaskContext.retry`: run this task again later.

    Args:
        delay: Seconds to wait, or None for the retry policy's own delay.
        reason: Shown in events and in the task's record.
    """

    def __init__(self, delay: float | None = None, reason: str = "retry requested") -> None:
        super().__init__(reason)
        self.delay = delay
        self.reason = reason
