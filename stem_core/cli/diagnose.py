"""`stem worker diagnose`: everything that could keep a worker from working, checked at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from stem_core.cli import diagnosis
from stem_core.cli.diagnosis import Check
from stem_core.cli.env_file import read_env_file
from stem_core.cli.exit_codes import FAILURE, OK
from stem_core.cli.multi.node import Node, nodes_of
from stem_core.cli.names import NODE
from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import write_error, write_json, write_line
from stem_core.errors import StemError


@click.command(epilog="Example: stem worker diagnose --app shop.tasks:stem --env-file /etc/stem/worker.env")
@click.option("--app", metavar="M:A", help="Also check that this Stem can be imported.")
@click.option("--env-file", metavar="PATH", help="Check with the variables of this file set.")
@click.option("--logfile", metavar="PATH", help="Log to look into, such as /var/log/stem/n1.log.")
@click.option("--pidfile", metavar="PATH", help="Pid file to look into, such as /run/stem/n1.pid.")
@click.option("--node", type=NODE, default="worker", metavar="NODE", help="Whose files are meant if no path is given.")
@cluster_options
def diagnose(
    invocation: Invocation, node: str, pidfile: str | None, logfile: str | None, env_file: str | None, app: str | None
) -> int:
    """Check whatever could keep a worker from working.

    It looks at machine, settings, stores, files, app and queues. The exit code is 70 if a check fails; warnings do not
    count.
    """
    if env_file is not None:
        os.environ.update(read_env_file(env_file))
    (files,) = nodes_of([node], pidfile, logfile)
    checks = list(_checks(invocation, files, app))
    failed = [check for check in checks if check.status == "fail"]
    document = {
        "status": "failed" if failed else "ok",
        "checks": [msgspec.to_builtins(check) for check in checks],
    }
    if not invocation.as_json:
        for check in checks:
            write_line(f"{check.status:<4}  {check.name:<10}  {check.says}{f': {check.hint}' if check.hint else ''}")
    elif not failed:
        write_json(document)
    if failed:
        names = ", ".join(check.name for check in failed)
        hint = "; ".join(check.hint or check.says for check in failed)
        write_error(f"failed: {names}", hint, as_json=invocation.as_json, extra=document)
    return FAILURE if failed else OK


def _checks(invocation: Invocation, files: Node, app: str | None) -> Iterator[Check]:
    yield from diagnosis.machine()
    try:
        config = invocation.config()
    except StemError as error:
        yield Check("settings", "fail", error.message, error.hint or "")
    else:
        yield from diagnosis.settings(config)
        try:
            yield from invocation.run(diagnosis.cluster_checks)
        except StemError as error:
            yield Check("broker", "fail", error.message, error.hint or "is the server running?")
    if app is not None:
        yield diagnosis.app(app)
    yield from diagnosis.directories(Path(files.pidfile), Path(files.logfile))
    yield diagnosis.process(files.pidfile)
    yield diagnosis.log_errors(files.logfile)
