"""The root of the command line: its commands, and how it ends.

Exit codes: 0 done, 64 the command or a setting is wrong, 70 it failed, 130 interrupted. Whatever happens, nobody sees a
traceback: an error is one line on stderr, and with `--json` a document on stdout as well.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import click

from stem_core import __version__
from stem_core.argv import hide_credentials
from stem_core.cli.exit_codes import FAILURE, INTERRUPTED, OK, USAGE
from stem_core.cli.lazy import LazyGroup
from stem_core.cli.output import write_error
from stem_core.cli.streams import give_up_output, open_missing
from stem_core.errors import BrokerUnavailableError, ConfigurationError, StemError, UsageError

COMPLETE: Final = "_STEM_COMPLETE"
"""Variable in which a shell says that it wants a command line completed, and how."""

_UNREACHABLE: Final = "is the server running, and is STEM_BROKER_URL (or --broker) right?"


_MEANT: Final = re.compile(r" \(?Did you mean (.+?)\)?$")


@click.group(
    cls=LazyGroup,
    commands_at={
        "worker": "stem_core.cli.worker:worker",
        "enqueue": "stem_core.cli.enqueue:enqueue",
        "task": "stem_core.cli.task:task",
        "observe": "stem_core.cli.observe:observe",
        "dlq": "stem_core.cli.dlq:dlq",
        "schedule": "stem_core.cli.schedule:schedule",
        "routing": "stem_core.cli.routing:routing",
        "tasks": "stem_core.cli.tasks:tasks",
        "health": "stem_core.cli.health:health",
        "config": "stem_core.cli.config_command:config",
        "completion": "stem_core.cli.completion:completion",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="stem")
def root() -> None:
    """Run Stem workers, look at a cluster, and command it.

    The broker is the one that STEM_BROKER_URL names, or --broker; if nothing is set, a SQLite file that all processes
    of this user share.
    """


def main() -> NoReturn:
    """Run the command line of this process, and exit."""
    open_missing()
    hide_credentials()
    if COMPLETE in os.environ:
        from stem_core.cli.completion import complete  # noqa: PLC0415 - only a shell asks for it

        code = complete(os.environ[COMPLETE])
        sys.stdout.flush()
        os._exit(code)  # at once: a store or name server that does not answer may still be waited for
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line.

    Args:
        arguments: What follows the program's name.

    Returns:
        The exit code.
    """
    as_json = "--json" in arguments
    try:
        # Not root.main(), which handles interrupts and lost readers in a way of its own.
        with root.make_context("stem", list(arguments)) as context:
            outcome = root.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        give_up_output()  # whoever read it has gone
        return OK
    except Exception as error:  # noqa: BLE001 - the last resort before the user
        return _report(error, as_json=as_json)
    return outcome if isinstance(outcome, int) else OK


def _report(error: Exception, *, as_json: bool) -> int:
    if isinstance(error, click.ClickException):
        return _report_click(error, as_json=as_json)
    if isinstance(error, StemError):
        hint = error.hint or (_UNREACHABLE if isinstance(error, BrokerUnavailableError) else None)
        write_error(error.message.rstrip("."), hint, as_json=as_json)
        return USAGE if isinstance(error, (ConfigurationError, UsageError)) else FAILURE
    if isinstance(error, OSError):  # a full disk and the like
        write_error(": ".join(str(part) for part in (error.strerror, error.filename) if part), None, as_json=as_json)
        give_up_output()
        return FAILURE
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    write_error(f"{type(error).__name__}: {error}{place}", "this is a fault in stem, please report it", as_json=as_json)
    return FAILURE


def _report_click(error: click.ClickException, *, as_json: bool) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.message, err=True)
        return USAGE
    # click spreads some over several lines, and asks in one sentence more whether another word was meant.
    said = re.sub(r"\s+", " ", error.format_message())
    asked = _MEANT.search(said)
    message, hints = (said[: asked.start()], [f"did you mean {asked[1]}"]) if asked else (said, [])
    if isinstance(error, click.UsageError) and error.ctx is not None:
        hints.append(f"see {error.ctx.command_path} --help")
    write_error(message.rstrip(". "), " ".join(hints) or None, as_json=as_json)
    return USAGE
