"""When a failed task runs again, and after which delay. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from stem_core.errors import TaskFailedInChildError

_JITTER_SHARE: Final = 0.25


class TaskRetryPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How failures are retried.

    Args:
        backoff: Double the delay with each attempt.
        backoff_max: Upper bound of the delay, in seconds.
        jitter: Take a random 0 to 25 % off each delay, so that a crowd of failures does not return at once.
        default_delay: Delay before the first retry, in seconds.
        max_retries: Overrides the task's own number of retries.
        auto_retry_for: Names of exception classes to retry (any, if empty); base classes count.
        dont_auto_retry_for: Names of exception classes never to retry; wins over `auto_retry_for`.
    """

    backoff: bool = False
    backoff_max: float | None = None
    jitter: bool = True
    default_delay: float = 0.0
    max_retries: int | None = None
    auto_retry_for: tuple[str, ...] = ()
    dont_auto_retry_for: tuple[str, ...] = ()

    def allows(self, error: BaseException) -> bool:
        """Return whether this policy retries after that error."""
        names = class_names(error)
        if names & set(self.dont_auto_retry_for):
            return False
        return not self.auto_retry_for or bool(names & set(self.auto_retry_for))

    def delay(self, attempt: int, random: Callable[[], float]) -> float:
        """Return the seconds to wait after a failed attempt.

        Args:
            attempt: Number of the attempt that failed; the first is 0.
            random: Source of numbers in [0, 1).
        """
        base = self.default_delay * 2.0 ** min(attempt, 64) if self.backoff else self.default_delay
        if self.backoff_max is not None:
            base = min(base, self.backoff_max)
        return base * (1.0 - _JITTER_SHARE * random()) if self.jitter else base


DEFAULT_RETRY_POLICY: Final = TaskRetryPolicy(backoff=True, backoff_max=300.0, default_delay=2.0)


def class_names(error: BaseException) -> frozenset[str]:
    """Return the names of an exception's class and base classes, each with and without its module."""
    if isinstance(error, TaskFailedInChildError):
        return error.class_names
    names = {name for cls in type(error).__mro__ for name in (cls.__name__, f"{cls.__module__}.{cls.__qualname__}")}
    return frozenset(names)
