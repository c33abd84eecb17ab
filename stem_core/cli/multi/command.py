"""The commands of `stem worker multi`."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from stem_core.cli.env_file import read_env_file
from stem_core.cli.exit_codes import DOWN, FAILURE, OK
from stem_core.cli.multi import ending, launch
from stem_core.cli.multi.node import WORKER_ID, Node, nodes_of
from stem_core.cli.multi.outcome import show
from stem_core.cli.names import NODE, QUEUES
from stem_core.cli.options import Invocation, cluster_options, json_option
from stem_core.cli.processes import Supervisor
from stem_core.cli.values import DURATION

F = TypeVar("F", bound=Callable[..., Any])

_MORE: Final = "stem.more"


class _WithMore(click.Command):
    """A command that leaves what follows `--` to the worker."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            split = args.index("--")
            ctx.meta[_MORE] = args[split + 1 :]
            args = args[:split]
        return super().parse_args(ctx, args)


@click.group()
def multi() -> None:
    """Run workers of this machine in the background.

    Each is a node with a name. In paths and in what follows `--`, %n stands for the node's name, %h for the host, %d
    for its domain, %I for the node's number, %% for a percent sign. Names may come from STEM_WORKER_NODES, separated by
    blanks.
    """


def node_options(command: F) -> F:
    """Add the names of nodes and where their files lie; the command gets them as `nodes`."""

    @click.option(
        "--logfile", metavar="PATH", help="Their logs, such as /var/log/stem/%n.log; by default in the user's state."
    )
    @click.option(
        "--pidfile", metavar="PATH", help="Their pid files, such as /run/stem/%n.pid; by default in the user's state."
    )
    @click.argument("names", type=NODE, metavar="NODE...", nargs=-1, envvar="STEM_WORKER_NODES")
    @functools.wraps(command)
    def wrapped(*args: Any, names: tuple[str, ...], pidfile: str | None, logfile: str | None, **kwargs: Any) -> Any:
        return command(*args, nodes=nodes_of(names, pidfile, logfile), **kwargs)

    return wrapped  # type: ignore[return-value]  # click reads the parameters from the function's attributes


patience = click.option("--timeout", type=DURATION, default=30.0, metavar="30s", help="How long to wait for them.")


def start_options(command: F) -> F:
    """Add what nodes are started with; the command gets a `launch.Plan` as `plan`."""

    @click.option("--env-file", metavar="PATH", help="File of variables for them, one NAME=value per line.")
    @click.option(
        "--workdir",
        type=click.Path(exists=True, file_okay=False),
        default=".",
        metavar="DIR",
        help="Directory to run in.",
    )
    @click.option("--concurrency", type=click.IntRange(min=1), metavar="N", help="How many tasks each runs at once.")
    @click.option("--broadcast", "broadcasts", multiple=True, metavar="C", help="Channel they listen to.")
    @click.option(
        "--queue", "queues", type=QUEUES, multiple=True, metavar="Q", help="Queue to fetch from; may be repeated."
    )
    @click.option("--app", required=True, metavar="M:A", help="The Stem to serve, as package.module:attribute.")
    @patience
    @node_options
    @cluster_options
    @functools.wraps(command)
    def wrapped(invocation: Invocation, *, app: str, workdir: str, env_file: str | None, **kwargs: Any) -> Any:
        flags: list[tuple[str, object]] = [
            ("--app", app),
            *(("--queue", queue) for queue in kwargs.pop("queues")),
            *(("--broadcast", channel) for channel in kwargs.pop("broadcasts")),
            ("--concurrency", kwargs.pop("concurrency")),
            ("--broker", invocation.broker),
            ("--backend", invocation.backend),
            ("--namespace", invocation.namespace),
        ]
        words = [word for flag, value in flags if value is not None for word in (flag, str(value).replace("%", "%%"))]
        more = click.get_current_context().meta.get(_MORE, [])
        if not any(word.partition("=")[0] == "--worker-id" for word in more):
            words += ["--worker-id", WORKER_ID]
        environment = read_env_file(env_file) if env_file else {}
        plan = launch.Plan(["worker", "start", *words, *more, "--json"], environment, Path(workdir).absolute())
        return command(invocation, plan=plan, **kwargs)

    return wrapped  # type: ignore[return-value]  # click reads the parameters from the function's attributes


@multi.command(cls=_WithMore, epilog="Example: stem worker multi start n1 n2 --app shop.tasks:stem -- --processes 2")
@click.option("--detach/--foreground", default=True, help="In the background (default), or here until interrupted.")
@start_options
def start(invocation: Invocation, nodes: list[Node], plan: launch.Plan, timeout: float, detach: bool) -> int:
    """Start nodes that do not run, and wait until each is ready. Flags of `stem worker start` may follow `--`."""
    if not detach:
        return _stay(nodes, plan, as_json=invocation.as_json)
    outcomes = launch.start(nodes, plan, timeout)
    return OK if show(outcomes, "did not start", as_json=invocation.as_json) else FAILURE


def _stay(nodes: list[Node], plan: launch.Plan, *, as_json: bool) -> int:
    from stem_core.logs import log_to_stderr  # noqa: PLC0415 - only a supervisor logs

    log_to_stderr("info")
    os.chdir(plan.workdir)
    return asyncio.run(Supervisor([plan.command(node) for node in nodes], as_json=as_json).run())


@multi.command(epilog="Example: stem worker multi stop n1 n2 --timeout 5m")
@json_option
@patience
@node_options
def stop(as_json: bool, nodes: list[Node], timeout: float) -> int:
    """Let nodes finish what they run, then stop. What has not ended after --timeout is killed."""
    return OK if show(ending.stop(nodes, timeout), "did not stop", as_json=as_json) else FAILURE


@multi.command(cls=_WithMore, epilog="Example: stem worker multi restart n1 n2 --app shop.tasks:stem")
@start_options
def restart(invocation: Invocation, nodes: list[Node], plan: launch.Plan, timeout: float) -> int:
    """Stop nodes as `stop` does, and start them again."""
    stopped = ending.stop(nodes, timeout)
    if not all(outcome.good for outcome in stopped):
        show(stopped, "did not stop", as_json=invocation.as_json)
        return FAILURE
    outcomes = launch.start(nodes, plan, timeout)
    return OK if show(outcomes, "did not start", as_json=invocation.as_json) else FAILURE


@multi.command(epilog="Example: stem worker multi status n1 n2 --json")
@json_option
@node_options
def status(as_json: bool, nodes: list[Node]) -> int:
    """Show whether the processes of nodes run. The exit code is 3 if one does not."""
    return OK if show([ending.look(node) for node in nodes], "down", as_json=as_json) else DOWN
