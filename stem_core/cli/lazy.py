"""Commands that are loaded when they are called, so that each command costs only what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that knows where its commands are.

    Args:
        commands_at: By name, `module:attribute` of the command.
    """

    def __init__(self, *args: Any, commands_at: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._commands_at = dict(commands_at or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order given."""
        return [*self._commands_at, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        place = self._commands_at.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; of one that does not exist, say which may be meant, loaded or not."""
        near = " or ".join(map(repr, get_close_matches(args[0], self.list_commands(ctx))))
        known = ctx.resilient_parsing or self.get_command(ctx, args[0]) is not None
        if near and not known:
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {near}?", ctx)
        return super().resolve_command(ctx, args)
