"""Functions that are tasks: called as functions, enqueued with the arguments they take, checked by the type checker."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypedDict, TypeVar, Unpack, overload

from stem_core.client.job import Job, check_option_names
from stem_core.durations import Duration
from stem_core.errors import InvalidArgumentsError, UsageError
from stem_core.options import Execution, TaskOptions
from stem_core.retry import TaskRetryPolicy
from stem_core.tasks import FunctionTaskHandler, TaskContext
from stem_core.tasks.enqueuing import EnqueueOptions

if TYPE_CHECKING:
    from stem_core.client.stem import Stem

Full = ParamSpec("Full")
Sent = ParamSpec("Sent")
R = TypeVar("R")


class TaskOptionsDict(TypedDict, total=False):
    """The fields of `TaskOptions`, as keywords."""

    queue: str
    max_retries: int
    retry_policy: TaskRetryPolicy | None
    priority: int
    visibility_timeout: Duration | None
    soft_time_limit: Duration | None
    hard_time_limit: Duration | None
    execution: Execution | None
    rate_limit: str | None
    rate_key: str | None
    unique: bool
    unique_for: Duration | None
    expires: Duration | None
    result_ttl: Duration | None
    ignore_result: bool
    secrets: tuple[str, ...]


class TaskFunction(Generic[Full, Sent, R]):
    """A function that is a task. Calling it runs it here and now; `enqueue` sends it to a worker.

    Args:
        stem: Where it is enqueued.
        function: The function itself.
        handler: What the registry has of it.
        options: What each of its jobs is enqueued with.
    """

    def __init__(
        self,
        stem: Stem,
        function: Callable[Full, R],
        handler: FunctionTaskHandler[object],
        options: EnqueueOptions | None = None,
    ) -> None:
        self.stem = stem
        self.handler = handler
        self._function = function
        self._options: EnqueueOptions = options or {}
        functools.update_wrapper(self, function)

    @property
    def name(self) -> str:
        """Task name."""
        return self.handler.name

    def __call__(self, *args: Full.args, **kwargs: Full.kwargs) -> R:
        """Call the function itself, without any queue. If it takes a context, that must be given."""
        return self._function(*args, **kwargs)

    def job(self, *args: Sent.args, **kwargs: Sent.kwargs) -> Job:
        """Return a job for `Stem.enqueue_many`, with the arguments of the function without its context."""
        return Job(self.name, self._by_name(args, kwargs), **self._options)

    async def enqueue(self, *args: Sent.args, **kwargs: Sent.kwargs) -> str:
        """Send the task, with the arguments of the function without its context, and return its id.

        Raises:
            InvalidArgumentsError: The arguments do not fit, or are no JSON; see `Stem.enqueue` for the rest.
        """
        return await self.stem.enqueue(self.name, self._by_name(args, kwargs), **self._options)

    def enqueue_sync(self, *args: Sent.args, **kwargs: Sent.kwargs) -> str:
        """Do what `enqueue` does, from a program without an event loop."""
        return self.stem.enqueue_sync(self.name, self._by_name(args, kwargs), **self._options)

    def with_options(self, **options: Unpack[EnqueueOptions]) -> TaskFunction[Full, Sent, R]:
        """Return this task with options that each of its jobs is enqueued with, such as `countdown=5`."""
        check_option_names(options)
        return TaskFunction(self.stem, self._function, self.handler, {**self._options, **options})

    def _by_name(self, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
        if not args:
            return kwargs
        parameters = [
            parameter.name
            for parameter in inspect.signature(self._function).parameters.values()
            if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        ][1 if self.handler.takes_context else 0 :]
        if len(args) > len(parameters):
            raise InvalidArgumentsError(
                f"task {self.name!r} got {len(args)} arguments by position", f"it takes {len(parameters)}"
            )
        named = dict(zip(parameters, args, strict=False))
        for name in named.keys() & kwargs.keys():
            raise InvalidArgumentsError(f"task {self.name!r} got the argument {name!r} twice", "give it once")
        return {**named, **kwargs}


class TaskDecorator:
    """What `stem.task(…)` returns: makes a function a task and registers it."""

    def __init__(self, stem: Stem, name: str | None, options: TaskOptions) -> None:
        self._stem = stem
        self._name = name
        self._options = options

    @overload
    def __call__(
        self, function: Callable[Concatenate[TaskContext, Sent], R]
    ) -> TaskFunction[Concatenate[TaskContext, Sent], Sent, R]: ...
    @overload
    def __call__(self, function: Callable[Sent, R]) -> TaskFunction[Sent, Sent, R]: ...
    def __call__(self, function: Callable[..., R]) -> TaskFunction[..., ..., R]:
        """Register the function.

        Raises:
            DuplicateTaskError: The name is taken.
            UsageError: The function cannot be a task.
        """
        name = self._name or _name_of(function)
        handler: FunctionTaskHandler[object] = FunctionTaskHandler(name, function, self._options)
        self._stem.registry.register(handler)
        return TaskFunction(self._stem, function, handler)


def _name_of(function: Callable[..., Any]) -> str:
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        raise UsageError(f"{function!r:.100} has no name that a task could have", 'write @stem.task("some.name")')
    return f"{_imported(module)}.{name}"


def _imported(module: str) -> str:
    # A program calls its own module __main__ (and so does multiprocessing, nearly); workers import it by its name.
    if module not in ("__main__", "__mp_main__"):
        return module
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:
        return str(spec.name)
    return Path(file).stem if file else module
