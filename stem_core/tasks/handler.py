"""The code behind a task's name."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from stem_core.errors import UsageError
from stem_core.options import Execution, TaskOptions
from stem_core.tasks.binding import Binding
from stem_core.tasks.context import TaskContext

R = TypeVar("R")


class TaskHandler(ABC, Generic[R]):
    """Base of handlers written as classes. One instance serves all runs, also at the same time.

    Attributes:
        name: Task name. Each handler must have one.
        options: How the task wants to be run.
    """

    name: str = ""
    options: TaskOptions = TaskOptions()
    checks_arguments: ClassVar[bool] = False
    """Whether `bind` may refuse."""

    @abstractmethod
    def call(self, context: TaskContext, args: dict[str, object]) -> R | Awaitable[R]:
        """Run the task; `async def` runs on the event loop, `def` in a thread.

        Args:
            context: This run.
            args: Arguments as sent.

        Returns:
            The result; JSON data.
        """

    def bind(self, args: Mapping[str, object]) -> None:
        """Raise InvalidArgumentsError if the handler cannot be called with these arguments."""

    @property
    def is_async(self) -> bool:
        """Whether `call` is a coroutine function."""
        return is_async(self.call)


class FunctionTaskHandler(TaskHandler[R]):
    """A handler made of a function.

    Args:
        name: Task name.
        function: `def` or `async def`. It gets the context if its first parameter is named `context` or annotated
            `TaskContext`, and the arguments by name.
        options: How the task wants to be run.

    Raises:
        UsageError: It is no function, a generator, or has a parameter that can only be filled by position.
    """

    checks_arguments = True

    def __init__(
        self,
        name: str,
        function: Callable[..., R | Awaitable[R]],
        options: TaskOptions | None = None,
    ) -> None:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise UsageError(f"task {name!r} is a generator, which nobody would run", "return a list in place of yield")
        self.name = name
        self.function = function
        self.options = TaskOptions() if options is None else options
        self._binding = Binding(name, function)
        self.takes_context = self._binding.takes_context

    def bind(self, args: Mapping[str, object]) -> None:
        """Raise InvalidArgumentsError, naming what is missing or unknown, if these arguments do not fit."""
        self._binding.check(args)

    def call(self, context: TaskContext, args: dict[str, object]) -> R | Awaitable[R]:
        """Call the function."""
        return self.function(context, **args) if self.takes_context else self.function(**args)

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return is_async(self.function)


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether calling it gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - its kind matters, not whether it exists


def execution_of(handler: TaskHandler[Any]) -> Execution:
    """Return where the handler runs.

    Raises:
        UsageError: Its options ask for a thread, but it is `async def`.
    """
    chosen = handler.options.execution
    if handler.is_async and chosen == "thread":
        raise UsageError(
            f"task {handler.name!r} is 'async def' but asks for execution='thread'",
            "write it as 'def', or leave execution out",
        )
    return chosen or ("inline" if handler.is_async else "thread")
