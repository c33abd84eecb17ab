"""How a task's arguments reach a function: by name, checked before it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from inspect import Parameter
from typing import Any

from stem_core.errors import InvalidArgumentsError, UsageError

_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


class Binding:
    """What a function takes, read once when it is registered.

    Args:
        name: Task name, for messages.
        function: What will be called. Its first parameter gets the context if it is named `context` or annotated
            `TaskContext`; all others are filled by name.

    Raises:
        UsageError: It is no function, or a parameter can only be filled by position.
    """

    __slots__ = ("_known", "_required", "name", "takes_any", "takes_context")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError) as error:
            raise UsageError(f"task {name!r} is no function: {error}", "give a 'def' or an 'async def'") from error
        self.takes_context = bool(parameters) and _is_context(parameters[0])
        rest = parameters[1:] if self.takes_context else parameters
        for parameter in rest:
            if parameter.kind is Parameter.POSITIONAL_ONLY:
                raise UsageError(
                    f"parameter {parameter.name!r} of task {name!r} cannot be filled by name",
                    "arguments travel by name: remove the '/' from the function's parameters",
                )
        named = [parameter for parameter in rest if parameter.kind in _BY_NAME]
        self._known = frozenset(parameter.name for parameter in named)
        self._required = frozenset(parameter.name for parameter in named if parameter.default is Parameter.empty)
        self.takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in rest)

    def check(self, args: Mapping[str, object]) -> None:
        """Raise unless the function can be called with these arguments.

        Raises:
            InvalidArgumentsError: Some are missing or unknown; the message names them.
        """
        given = args.keys()
        if self._required <= given and (self.takes_any or given <= self._known):
            return
        raise InvalidArgumentsError(*self._complaint(set(given)))

    def _complaint(self, given: set[str]) -> tuple[str, str]:
        missing = sorted(self._required - given)
        unknown = [] if self.takes_any else sorted(given - self._known)
        found = [f"lacks {_listed(missing)}"] if missing else []
        if unknown:
            found.append(f"does not know {_listed(unknown)}")
        near = [match for name in unknown for match in get_close_matches(name, self._known - given, n=1)]
        takes = _listed(sorted(self._known)) if self._known else "no arguments"
        hint = f"did you mean {_listed(near)}? it takes {takes}" if near else f"it takes {takes}"
        return f"task {self.name!r} {' and '.join(found)}", hint


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _is_context(parameter: Parameter) -> bool:
    if parameter.kind not in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
        return False
    annotation = parameter.annotation
    written = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return parameter.name == "context" or written.rpartition(".")[2] == "TaskContext"
