"""Which names are known, and what they stand for."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Self

from stem_core.checks import check_kind
from stem_core.errors import DuplicateTaskError, UnknownTaskError, UsageError
from stem_core.options import TaskOptions
from stem_core.tasks.handler import TaskHandler, execution_of

_MAX_NAME = 200


class SimpleTaskRegistry:
    """Handlers by task name."""

    def __init__(self) -> None:
        self._handlers: dict[str, TaskHandler[Any]] = {}

    def register(self, handler: TaskHandler[Any]) -> Self:
        """Add a handler; returns the registry, so that calls chain.

        Raises:
            DuplicateTaskError: The name is taken.
            UsageError: It is no handler, has no usable name, or cannot run the way its options ask for.
        """
        if not isinstance(handler, TaskHandler):
            raise UsageError(
                f"{handler!r:.100} is no handler", "give an instance of a TaskHandler, such as EmailTask()"
            )
        name: object = handler.name
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or not name.isprintable():
            raise UsageError(
                f"task name {name!r} of {type(handler).__name__} is not usable",
                f"set 'name' to 1 to {_MAX_NAME} printable characters, such as 'email.send'",
            )
        if name in self._handlers:
            raise DuplicateTaskError(f"task {name!r} is registered already", "give each handler a name of its own")
        check_kind(f"what task {name!r} has as options", handler.options, TaskOptions, "give TaskOptions(…)")
        execution_of(handler)
        self._handlers[name] = handler
        return self

    def get(self, name: str) -> TaskHandler[Any]:
        """Return the handler of that name.

        Raises:
            UnknownTaskError: There is none; the hint has names that look like it.
        """
        handler = self._handlers.get(name)
        if handler is not None:
            return handler
        near = get_close_matches(name, self._handlers, n=3)
        known = near or self.names()[:10]
        lead = "did you mean " if near else "registered: "
        hint = lead + ", ".join(repr(each) for each in known) if known else "no task is registered"
        raise UnknownTaskError(f"no task is named {name!r}", hint)

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._handlers)

    def __contains__(self, name: object) -> bool:
        return name in self._handlers

    def __len__(self) -> int:
        return len(self._handlers)
