"""When a failed task runs again, and after which delay. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from stem_core.checks import check_kind, check_whole, some_seconds
from stem_core.durations import Duration, seconds
from stem_core.errors import TaskFailedInChildError, UsageError

if TYPE_CHECKING:
    ExceptionName: TypeAlias = str | type[BaseException]
    Delay: TypeAlias = Duration
else:  # what is kept and travels: a class has become its name by then, a timedelta its seconds
    ExceptionName = str
    Delay = float

_JITTER_SHARE: Final = 0.25


class TaskRetryPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How failures are retried.

    Args:
        backoff: Double the delay with each attempt.
        backoff_max: Upper bound of the delay, in seconds or as a timedelta.
        jitter: Take a random 0 to 25 % off each delay, so that a crowd of failures does not return at once.
        default_delay: Delay before the first retry, in seconds or as a timedelta.
        max_retries: Overrides the task's own number of retries.
        auto_retry_for: Exception classes to retry (any, if empty), or their names; base classes count.
        dont_auto_retry_for: Exception classes never to retry, or their names; wins over `auto_retry_for`.

    Raises:
        UsageError: A delay or a number cannot be, or what is to be retried is neither an exception class nor a name.
    """

    backoff: bool = False
    backoff_max: Delay | None = None
    jitter: bool = True
    default_delay: Delay = 0.0
    max_retries: int | None = None
    auto_retry_for: tuple[ExceptionName, ...] = ()
    dont_auto_retry_for: tuple[ExceptionName, ...] = ()

    def __post_init__(self) -> None:
        for field in ("backoff", "jitter"):
            check_kind(field, getattr(self, field), bool, "use True or False")
        for field in ("default_delay",) if self.backoff_max is None else ("default_delay", "backoff_max"):
            msgspec.structs.force_setattr(self, field, some_seconds(field, getattr(self, field)))
        if self.max_retries is not None:
            check_whole("max_retries", self.max_retries)
        for field in ("auto_retry_for", "dont_auto_retry_for"):
            given = getattr(self, field)
            if given:
                msgspec.structs.force_setattr(self, field, _names(field, given))

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
        base = seconds(self.default_delay) * (2.0 ** min(attempt, 64) if self.backoff else 1.0)
        if self.backoff_max is not None:
            base = min(base, seconds(self.backoff_max))
        return base * (1.0 - _JITTER_SHARE * random()) if self.jitter else base


DEFAULT_RETRY_POLICY: Final = TaskRetryPolicy(backoff=True, backoff_max=300.0, default_delay=2.0)


def _names(field: str, given: Any) -> tuple[str, ...]:
    # A single text would be taken for its letters, and match nothing.
    kinds = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str | type) else (given,)
    for kind in kinds:
        if not isinstance(kind, str) and not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise UsageError(f"{field} has {kind!r}", "give exception classes, or their names")
    return tuple(kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)


def class_names(error: BaseException) -> frozenset[str]:
    """Return the names of an exception's class and base classes, each with and without its module."""
    if isinstance(error, TaskFailedInChildError):
        return error.class_names
    names = {name for cls in type(error).__mro__ for name in (cls.__name__, f"{cls.__module__}.{cls.__qualname__}")}
    return frozenset(names)
