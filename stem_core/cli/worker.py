"""`stem worker …`: commands to the workers of a cluster."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import click

from stem_core.cli.answers import report
from stem_core.cli.inspection import inspect_rows, stats_rows
from stem_core.cli.lazy import LazyGroup
from stem_core.cli.names import LIVE_TASK_ID, QUEUES, TASK, WORKER, split_names
from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import write_note
from stem_core.cli.values import DURATION, PERIOD
from stem_core.client.answers import Answer, CommandResult
from stem_core.client.cluster import ClusterClient
from stem_core.client.control import REVOCATION_LIFE
from stem_core.commands import ShutdownMode
from stem_core.delivery import Pause
from stem_core.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])
_LOOKED_FOR: Final = 20
"""Ids that a person may have mistyped; a script that revokes more has them from elsewhere."""
Send: TypeAlias = Callable[[ClusterClient], Awaitable[CommandResult]]


@dataclass(frozen=True, slots=True)
class Aim:
    """Which workers are meant, and how long to wait for them.

    Args:
        invocation: What the shared flags said.
        targets: Worker ids; empty for all.
        timeout: Seconds, or None for the setting.
    """

    invocation: Invocation
    targets: tuple[str, ...]
    timeout: float | None

    def send(
        self,
        send: Send,
        document: Callable[[CommandResult], dict[str, object]] | None = None,
        table: Callable[[Sequence[Answer]], None] | None = None,
    ) -> int:
        """Send a command, print the answers, and return the exit code."""
        result, namespace = self.run(_with_namespace(send))
        return report(result, namespace, as_json=self.invocation.as_json, document=document, table=table)

    def run(self, action: Callable[[ClusterClient], Awaitable[Any]]) -> Any:
        """Do something with the cluster."""
        return self.invocation.run(action, control_timeout=self.timeout)


def _with_namespace(send: Send) -> Callable[[ClusterClient], Awaitable[tuple[CommandResult, str]]]:
    async def action(cluster: ClusterClient) -> tuple[CommandResult, str]:
        return await send(cluster), cluster.namespace

    return action


def worker_options(command: F) -> F:
    """Add `--worker` and `--timeout` to the shared flags; the command gets an `Aim` first."""

    @click.option("--timeout", type=DURATION, metavar="5s", help="How long to wait for answers.")
    @click.option(
        "--worker", "workers", type=WORKER, multiple=True, metavar="ID", help="Only this worker; may be repeated."
    )
    @cluster_options
    @functools.wraps(command)
    def wrapped(
        invocation: Invocation, *args: Any, workers: tuple[str, ...], timeout: float | None, **kwargs: Any
    ) -> Any:
        return command(Aim(invocation, tuple(dict.fromkeys(workers)), timeout), *args, **kwargs)

    return wrapped  # type: ignore[return-value]  # click reads the parameters from the function's attributes


@click.group(
    cls=LazyGroup,
    commands_at={
        "start": "stem_core.cli.start:start",
        "multi": "stem_core.cli.multi.command:multi",
        "status": "stem_core.cli.status:status",
        "healthcheck": "stem_core.cli.healthcheck:healthcheck",
        "diagnose": "stem_core.cli.diagnose:diagnose",
    },
)
def worker() -> None:
    """Run a worker, or command those that run."""


@worker.command(epilog="Example: stem worker ping")
@worker_options
def ping(aim: Aim) -> int:
    """Ask who is there."""
    return aim.send(lambda cluster: cluster.control.ping(targets=aim.targets))


@worker.command(epilog="Example: stem worker stats --worker mail-1 --json")
@worker_options
def stats(aim: Aim) -> int:
    """Show the figures of workers: slots, counts, lag, memory."""
    return aim.send(lambda cluster: cluster.control.stats(targets=aim.targets), table=stats_rows)


@worker.command(epilog="Example: stem worker inspect --worker mail-1")
@worker_options
def inspect(aim: Aim) -> int:
    """Show the tasks that workers run, and for how long. Also the revocations and rate limits that they know."""
    return aim.send(lambda cluster: cluster.control.inspect(targets=aim.targets), table=inspect_rows)


@worker.command(epilog="Example: stem worker revoke 01a20bb583d676af890eb487db90c792 --terminate")
@click.argument("ids", type=LIVE_TASK_ID, nargs=-1, required=True, metavar="ID...")
@click.option("--terminate", is_flag=True, help="Stop those that already run, too.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the tasks.")
@click.option("--expires", type=PERIOD, default=REVOCATION_LIFE, metavar="1h", help="How long this is remembered.")
@worker_options
def revoke(aim: Aim, ids: tuple[str, ...], terminate: bool, reason: str, expires: float) -> int:
    """Keep tasks from running. Ids that nothing is known of yet are remembered, and noted on stderr."""
    outcomes: dict[str, str] = {}
    unknown: list[str] = []

    async def send(cluster: ClusterClient) -> CommandResult:
        result = await cluster.control.revoke(
            ids, terminate=terminate, reason=reason, expires=expires, targets=aim.targets
        )
        outcomes.update(result.outcomes)
        pending = [task_id for task_id, outcome in outcomes.items() if outcome == "pending"]
        unknown.extend([task_id for task_id in pending[:_LOOKED_FOR] if await cluster.task(task_id) is None])
        return result.sent

    code = aim.send(send, lambda _: {"tasks": outcomes})
    if unknown:
        write_note(f"stem: nothing is known yet of task {', '.join(unknown)}: are the ids right?")
    return code


@worker.command(epilog="Example: stem worker pause --queue mail --reason 'provider down' --for 30m")
@click.option(
    "--queue", "queues", type=QUEUES, multiple=True, required=True, metavar="Q", help="Which queue; may be repeated."
)
@click.option("--reason", default="", metavar="TEXT", help="Why; shown to all who look.")
@click.option("--for", "duration", type=PERIOD, metavar="30m", help="Resume by itself after this long.")
@worker_options
def pause(aim: Aim, queues: tuple[str, ...], reason: str, duration: float | None) -> int:
    """Stop all workers from fetching from queues."""
    names = split_names(queues)
    paused: dict[str, Pause | None] = {}

    async def send(cluster: ClusterClient) -> CommandResult:
        result = await cluster.control.pause(names, reason=reason, duration=duration, targets=aim.targets)
        paused.update({queue.name: queue.paused for queue in await cluster.queues(names)})
        return result

    return aim.send(send, lambda _: {"queues": paused})


@worker.command(epilog="Example: stem worker resume --queue mail")
@click.option(
    "--queue", "queues", type=QUEUES, multiple=True, required=True, metavar="Q", help="Which queue; may be repeated."
)
@worker_options
def resume(aim: Aim, queues: tuple[str, ...]) -> int:
    """Resume paused queues."""
    names = split_names(queues)
    return aim.send(
        lambda cluster: cluster.control.resume(names, targets=aim.targets),
        lambda _: {"queues": dict.fromkeys(names)},
    )


@worker.command(epilog="Example: stem worker scale --worker mail-1 --concurrency 16")
@click.option("--concurrency", type=click.IntRange(min=1), metavar="N", help="Slots of each worker.")
@click.option("--min", "minimum", type=click.IntRange(min=1), metavar="N", help="Fewest slots when autoscaling.")
@click.option("--max", "maximum", type=click.IntRange(min=1), metavar="N", help="Most slots when autoscaling.")
@worker_options
def scale(aim: Aim, concurrency: int | None, minimum: int | None, maximum: int | None) -> int:
    """Change how many tasks workers run at once."""
    return aim.send(
        lambda cluster: cluster.control.scale(concurrency, minimum=minimum, maximum=maximum, targets=aim.targets)
    )


@worker.command("rate-limit", epilog="Example: stem worker rate-limit mail.send 10/s")
@click.argument("task", type=TASK, metavar="TASK")
@click.argument("rate", metavar="10/s|none|default")
@worker_options
def rate_limit(aim: Aim, task: str, rate: str) -> int:
    """Set how often a task may start, all workers together."""
    wanted = None if rate == "none" else rate
    return aim.send(lambda cluster: cluster.control.rate_limit(task, wanted, targets=aim.targets))


@worker.command(epilog="Example: stem worker drain --worker mail-1")
@worker_options
def drain(aim: Aim) -> int:
    """Let workers finish what they run, then stop."""
    return aim.send(lambda cluster: cluster.control.drain(targets=aim.targets))


@worker.command(epilog="Example: stem worker undrain --worker mail-1")
@worker_options
def undrain(aim: Aim) -> int:
    """Take a drain back."""
    return aim.send(lambda cluster: cluster.control.undrain(targets=aim.targets))


@worker.command(epilog="Example: stem worker shutdown --worker mail-1 --mode soft --grace 1m")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in ShutdownMode]),
    default=ShutdownMode.WARM.value,
    help="warm finishes what runs, soft asks it to stop, hard hands it back.",
)
@click.option("--grace", type=DURATION, metavar="30s", help="How long tasks get to stop in soft mode.")
@worker_options
def shutdown(aim: Aim, mode: str, grace: float | None) -> int:
    """Stop workers."""
    if grace is not None and mode != ShutdownMode.SOFT:
        raise UsageError(f"--grace is for --mode soft, and the mode is {mode}", "say --mode soft, or leave --grace out")
    return aim.send(lambda cluster: cluster.control.shutdown(ShutdownMode(mode), grace=grace, targets=aim.targets))
