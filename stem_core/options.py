"""How a task wants to be run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final, Literal, TypeAlias

from stem_core.checks import check_kind, check_whole, positive_seconds
from stem_core.durations import Duration
from stem_core.envelope import check_name
from stem_core.errors import UsageError
from stem_core.rates import parse_rate
from stem_core.retry import TaskRetryPolicy

Execution: TypeAlias = Literal["inline", "thread", "process"]

MAX_PRIORITY: Final = 9

_DURATIONS: Final = ("visibility_timeout", "soft_time_limit", "hard_time_limit", "expires", "result_ttl", "unique_for")
_FLAGS: Final = ("unique", "ignore_result")


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOptions:
    """How a task wants to be run. Limits and delays take seconds or a timedelta.

    Args:
        queue: Queue that the task goes to.
        max_retries: How often a failed run is repeated.
        retry_policy: When and for which errors; the default backs off from 2 s to 5 min.
        priority: 0 (default) to 9; higher runs first.
        visibility_timeout: Delays the reclaim of a job whose worker fell silent beyond the namespace's lease.
        soft_time_limit: Raises `SoftTimeLimitExceeded` inside the task after this long.
        hard_time_limit: Ends the task after this long.
        execution: `inline` (on the event loop), `thread`, or `process` (a child process that can be killed); by
            default `async def` runs inline and `def` in a thread.
        rate_limit: How often the task may start, all workers together: `10/s`, `100/m` or `5/h`; what one second
            allows may start at once. Broadcasts are not limited.
        rate_key: Name of an argument, or else of a header, by whose value starts are counted apart.
        unique: Send no second job with the same arguments to the same queue while one waits or runs; who tries gets
            the id of the one that is there.
        unique_for: How long that holds at most; a day if not set.
        expires: Do not start the task later than this after it was enqueued.
        result_ttl: How long the result is kept; a day if not set.
        ignore_result: Keep the state, but not what the task returned.
        secrets: Names of arguments that are never shown to people: not by the command line, the console, or in errors.
    """

    queue: str = "default"
    max_retries: int = 0
    retry_policy: TaskRetryPolicy | None = None
    priority: int = 0
    visibility_timeout: Duration | None = None
    soft_time_limit: Duration | None = None
    hard_time_limit: Duration | None = None
    execution: Execution | None = None
    rate_limit: str | None = None
    rate_key: str | None = None
    unique: bool = False
    unique_for: Duration | None = None
    expires: Duration | None = None
    result_ttl: Duration | None = None
    ignore_result: bool = False
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name("queue", self.queue)
        check_whole("priority", self.priority, most=MAX_PRIORITY)
        check_whole("max_retries", self.max_retries)
        check_kind("retry_policy", self.retry_policy, (TaskRetryPolicy, NoneType), "give a TaskRetryPolicy")
        check_kind("rate_key", self.rate_key, (str, NoneType), "give the name of an argument or a header")
        for name in _DURATIONS:
            if getattr(self, name) is not None:
                positive_seconds(name, getattr(self, name))
        for name in _FLAGS:
            check_kind(name, getattr(self, name), bool, "use True or False")
        if self.rate_limit is not None:
            parse_rate("rate_limit", self.rate_limit)
        object.__setattr__(self, "secrets", _names(self.secrets))
        if self.execution not in (None, "inline", "thread", "process"):
            raise UsageError(f"execution is {self.execution!r}", "use inline, thread or process")
        if self.unique_for is not None and not self.unique:
            raise UsageError("unique_for is set, but unique is not", "set unique=True as well")


def _names(secrets: Any) -> tuple[str, ...]:
    # A single text would be taken for its letters, and hide nothing.
    if not isinstance(secrets, Iterable) or isinstance(secrets, str) or not all(isinstance(n, str) for n in secrets):
        raise UsageError("secrets is no list of names", 'write the names of arguments, such as ("password",)')
    return tuple(secrets)
