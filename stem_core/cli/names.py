"""Flags and arguments that name something: checked at once, completed from what the store or this machine knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from stem_core.cli.values import TextType
from stem_core.envelope import check_name
from stem_core.errors import ConfigurationError

Known = Callable[[click.Context], list[str]]


class NameType(TextType):
    """A name that a shell completes.

    Args:
        known: `function` of `stem_core.cli.known` that returns the names there are.
    """

    name = "name"

    def __init__(self, known: str) -> None:
        self._known = known

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin like this."""
        from stem_core.cli import known  # noqa: PLC0415 - only a shell asks for it

        names: Known = getattr(known, self._known)
        return [CompletionItem(name) for name in names(ctx) if name.startswith(incomplete)]


class TaskType(NameType):
    """The name of a task: what a registry takes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check what the user wrote."""
        name = str(value)
        if not 0 < len(name) <= MAX_TASK_NAME or not name.isprintable():
            return self.fail(f"{name!r} is no task name; use 1 to {MAX_TASK_NAME} printable characters", param, ctx)
        return name


class QueueType(NameType):
    """The name of a queue.

    Args:
        several: Whether several may be given, separated by commas.
    """

    def __init__(self, *, several: bool) -> None:
        super().__init__("queues")
        self._several = several

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check what the user wrote."""
        names = split_names([str(value)]) if self._several else (str(value),)
        if not names:
            return self.fail(f"{value!r} names no queue; leave the flag out, or name one", param, ctx)
        try:
            for name in names:
                check_name("queue", name)
        except ConfigurationError as error:
            return self.fail(f"{error.message}; {error.hint}", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the queues that begin like this, or like what follows the last comma."""
        before, comma, last = incomplete.rpartition(",") if self._several else ("", "", incomplete)
        return [CompletionItem(before + comma + item.value) for item in super().shell_complete(ctx, param, last)]


MAX_TASK_NAME: Final = 200
QUEUE: Final = QueueType(several=False)
QUEUES: Final = QueueType(several=True)
WORKER: Final = NameType("workers")
TASK: Final = TaskType("tasks")
PATTERN: Final = NameType("tasks")
TASK_ID: Final = NameType("task_ids")
LIVE_TASK_ID: Final = NameType("live_task_ids")
LETTER: Final = NameType("letters")
REASON: Final = NameType("reasons")
SCHEDULE: Final = NameType("schedules")
NODE: Final = NameType("nodes")


def split_names(values: Iterable[str]) -> tuple[str, ...]:
    """Return names that were given one by one, or several separated by commas."""
    return tuple(dict.fromkeys(name.strip() for value in values for name in value.split(",") if name.strip()))
