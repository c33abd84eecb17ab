"""What a caller may say about one job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Unpack

from stem_core.errors import InvalidArgumentsError, UsageError
from stem_core.tasks.enqueuing import EnqueueOptions

KNOWN: Final = frozenset(EnqueueOptions.__annotations__)
_OF_THE_TASK: Final = frozenset({"rate_limit", "rate_key", "execution", "secrets"})


class ResultPlaceholder:
    """The type of `RESULT`."""

    def __repr__(self) -> str:
        return "RESULT"


RESULT: Final = ResultPlaceholder()
"""As the value of an argument: what came before. In a link the result of the task, in a link for failures its error
(`{"type": …, "message": …}`), in the callback of a group the list of results, in the order of its members."""


@dataclass(frozen=True, slots=True, init=False)
class Job:
    """A task to be enqueued: `Job("email.send", {"to": "a@b.c"}, queue="email")`.

    Args:
        name: Task name.
        args: Arguments by name.
        options: What `Stem.enqueue` takes too.

    Raises:
        InvalidArgumentsError: The arguments are no mapping of names.
    """

    name: str
    args: dict[str, object]
    options: EnqueueOptions

    def __init__(self, name: str, args: Mapping[str, object] | None = None, **options: Unpack[EnqueueOptions]) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "args", {} if args is None else _checked(name, args))
        object.__setattr__(self, "options", options)

    def with_options(self, **options: Unpack[EnqueueOptions]) -> Job:
        """Return this job with further options, or other ones."""
        merged: EnqueueOptions = {**self.options, **options}
        return Job(self.name, self.args, **merged)


def _checked(name: str, args: Any) -> dict[str, object]:
    if not isinstance(args, Mapping):
        raise InvalidArgumentsError(
            f"the arguments of {name!r} are a {type(args).__name__}", "give a mapping of argument names"
        )
    for key in args:
        if type(key) is not str:
            raise InvalidArgumentsError(f"{name!r} has the argument name {key!r}", "argument names are text")
    return args if type(args) is dict else dict(args)


def as_job(given: Any) -> Job:
    """Return a job, also if it is given as a pair of name and arguments.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(given, Job):
        return given
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        return Job(*given)
    raise UsageError(f"{given!r} is no Job", "give Job(name, args), or a pair of name and arguments")


def check_jobs(jobs: Iterable[Any]) -> None:
    """Refuse what is no `Job`.

    Raises:
        UsageError: One of them is none.
    """
    for job in jobs:
        if not isinstance(job, Job):
            raise UsageError(f"{job!r} is no Job", "give Job(name, args), or what task.job(…) returns")


def check_option_names(names: Iterable[str]) -> None:
    """Refuse options that do not exist.

    Raises:
        UsageError: There is no such option.
    """
    for name in names:
        if name in _OF_THE_TASK:
            raise UsageError(f"{name} is an option of the task, not of one job", "set it where the task is defined")
        if name not in KNOWN:
            near = get_close_matches(name, KNOWN, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the options are {', '.join(sorted(KNOWN))}"
            raise UsageError(f"enqueue has no option {name!r}", hint)
