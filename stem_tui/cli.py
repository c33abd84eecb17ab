"""The command `stem-tui`. Textual is imported only once the flags make sense."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from stem_core.argv import hide_credentials
from stem_core.errors import ConfigurationError, StemError

EXIT_USAGE = 64
EXIT_FAILURE = 70


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and whose exit code is that of wrong usage."""

    def error(self, message: str) -> None:  # type: ignore[override]  # it ends the program, as the original does
        complain(f"{message} (see stem-tui --help)")
        self.exit(EXIT_USAGE)


def complain(message: str) -> None:
    """Write one line to the standard error."""
    sys.stderr.write(f"stem-tui: {' '.join(message.split())}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    flags = _Parser(
        prog="stem-tui",
        description="Watch a Stem cluster and command it from the keyboard.",
        allow_abbrev=False,  # an abbreviated --broker would leave its password in the list of processes
    )
    flags.add_argument(
        "--broker",
        metavar="URL",
        help="broker, such as redis://localhost:6379 (STEM_BROKER_URL); by default this user's SQLite file",
    )
    flags.add_argument("--backend", metavar="URL", help="result backend; the broker's store if not given")
    flags.add_argument("--namespace", metavar="NS", help="namespace to watch (STEM_WORKER_NAMESPACE)")
    flags.add_argument("--config", metavar="FILE", help="profile: a YAML file with broker, theme, keys and more")
    flags.add_argument("--theme", metavar="NAME", help="theme: dark or light")
    flags.add_argument("--read-only", action="store_true", help="refuse everything that would change the cluster")
    flags.add_argument("--demo", action="store_true", help="open on an embedded cluster with real workers")
    flags.add_argument("--version", action="store_true", help="print the version and exit")
    return flags


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the console. Exits 0, 64 for wrong usage or settings, 70 after a crash."""
    if arguments is None:
        hide_credentials()
    flags = parser().parse_args(arguments)
    if flags.version:
        from stem_core import __version__  # noqa: PLC0415 - only this flag needs it

        sys.stdout.write(f"stem-tui {__version__}\n")
        return
    try:
        code = _run(flags)
    except ConfigurationError as error:
        complain(str(error))
        code = EXIT_USAGE
    except StemError as error:
        complain(str(error))
        code = EXIT_FAILURE
    sys.exit(code)


def _run(flags: argparse.Namespace) -> int:
    from stem_tui.settings import ConsoleFlags, load_settings  # noqa: PLC0415 - --help and --version need none of it

    given = vars(flags)
    del given["version"]
    settings = load_settings(ConsoleFlags(**given))
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise ConfigurationError("stem-tui needs a terminal", "for scripts there is: stem observe queues --json")

    from stem_tui.launch import launch  # noqa: PLC0415 - Textual is imported here, after all that could be refused

    return launch(settings)
