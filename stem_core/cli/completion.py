"""`stem completion …`: scripts with which a shell completes `stem` command lines."""

from __future__ import annotations

import logging
from typing import Final

import click
from click.shell_completion import get_completion_class, shell_complete

from stem_core.cli.options import json_option
from stem_core.cli.output import write_json

_WHERE: Final = {
    "bash": '~/.bashrc: eval "$(stem completion bash)"',
    "zsh": '~/.zshrc, after compinit: eval "$(stem completion zsh)"',
    "fish": "~/.config/fish/completions/stem.fish: stem completion fish | source",
}


@click.command(epilog='Example: eval "$(stem completion bash)"')
@click.argument("shell", type=click.Choice(list(_WHERE)))
@json_option
def completion(shell: str, as_json: bool) -> None:
    """Print the script with which a shell completes commands.

    It completes flags too, and what the store knows: queues, workers, tasks, schedules, dead letters. Put the line into
    the shell's own start file.
    """
    script = script_for(shell)
    if as_json:
        write_json({"shell": shell, "put_into": _WHERE[shell], "script": script})
    else:
        click.echo(f"# In {_WHERE[shell]}\n{script}")


def script_for(shell: str) -> str:
    """Return the completion script of a shell."""
    from stem_core.cli.main import COMPLETE, root  # noqa: PLC0415 - which loads this module when it is called

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell!r}")
    # Not source(), which for bash starts one to ask for its version.
    script = kind(root, {}, "stem", COMPLETE)
    return script.source_template % script.source_vars()


def complete(instruction: str) -> int:
    """Answer a shell.

    Args:
        instruction: What it asks for, such as `bash_complete`; the words come in variables that click knows.

    Returns:
        The exit code.
    """
    logging.disable()  # whatever goes wrong would stand in the middle of a command line
    from stem_core.cli.main import COMPLETE, root  # noqa: PLC0415 - as above

    return shell_complete(root, {}, "stem", COMPLETE, instruction)
