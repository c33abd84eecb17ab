"""`stem worker start`: run a worker in this process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import click

from stem_core.cli.metrics import metrics_served
from stem_core.cli.names import QUEUES, split_names
from stem_core.cli.options import Invocation, cluster_options, refuse_memory
from stem_core.cli.output import write_json
from stem_core.cli.processes import Command, Supervisor
from stem_core.cli.reload import Reloader
from stem_core.cli.service_manager import ServiceManager, worker_status
from stem_core.cli.serving import LEVELS, take_flags
from stem_core.cli.values import MEMORY
from stem_core.client.app import load_app
from stem_core.client.stem import Stem
from stem_core.errors import ConfigurationError, UsageError
from stem_core.logs import TaskLogging, log_to_stderr
from stem_core.routing import RoutingSubscription
from stem_core.schedule.scheduler import Scheduler
from stem_core.worker import Worker, WorkerAutoscaleConfig, WorkerLifecycleConfig
from stem_core.worker.interrupts import handled
from stem_core.worker.settings import AppPath, check_slots, default_id

_HERE: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """What only `worker start` takes."""

    app: str
    queues: tuple[str, ...]
    broadcasts: tuple[str, ...]
    concurrency: int | None
    autoscale: str | None
    prefetch_multiplier: int | None
    processes: int
    max_tasks_per_child: int | None
    max_memory_per_child: int | None
    worker_id: str | None
    schedule: bool
    log_level: str
    log_format: str
    metrics_port: int | None
    metrics_host: str | None
    reload: bool


@click.command(epilog="Example: stem worker start --app shop.tasks:stem --queue mail --concurrency 8")
@click.option("--app", required=True, metavar="M:A", help="The Stem to serve, as package.module:attribute.")
@click.option(
    "--queue", "queues", type=QUEUES, multiple=True, metavar="Q", help="Queue to fetch from; may be repeated."
)
@click.option("--broadcast", "broadcasts", multiple=True, metavar="C", help="Channel to listen to; may be repeated.")
@click.option("--concurrency", type=click.IntRange(min=1), metavar="N", help="How many tasks to run at once.")
@click.option("--autoscale", metavar="MIN:MAX", help="Change the concurrency with the backlog, within these bounds.")
@click.option("--prefetch-multiplier", type=click.IntRange(min=1), metavar="N", help="Jobs to hold for each slot.")
@click.option("--processes", type=click.IntRange(min=1), default=1, metavar="N", help="How many worker processes.")
@click.option(
    "--max-tasks-per-child", type=click.IntRange(min=1), metavar="N", help="Replace a child process after N tasks."
)
@click.option("--max-memory-per-child", type=MEMORY, metavar="200M", help="Replace a child process that is larger.")
@click.option("--worker-id", metavar="ID", help="Name of the worker; by default stem-<pid>@<host>.")
@click.option("--schedule", is_flag=True, help="Serve the schedules too; any number of workers may.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", help="How much to say on stderr.")
@click.option("--log-format", type=click.Choice(("text", "json")), default="text", help="JSON: one object a line.")
@click.option(
    "--metrics-port", type=click.IntRange(0, 65535), metavar="PORT", help="Serve metrics for Prometheus; 0: any port."
)
@click.option("--metrics-host", metavar="HOST", help="Address at which to serve them; by default 127.0.0.1.")
@click.option("--reload", is_flag=True, help="For development: start again when the app's files change.")
@cluster_options
def start(invocation: Invocation, **values: Any) -> int:
    """Run a worker until it is told to stop.

    SIGTERM is warm, SIGINT soft (twice: hard), SIGQUIT hard. With --processes it runs several, each of which is started
    again when it dies, and serves metrics at a port of its own, the first at --metrics-port.
    """
    options = StartOptions(**values)
    _refuse_contradictions(options)
    autoscale = parse_autoscale(options.autoscale)
    as_json = options.log_format == "json"
    log_to_stderr(options.log_level, as_json=as_json, worker=options.worker_id or default_id())
    if options.reload:
        return _reload(invocation, options)
    app = load_app(options.app)
    if as_json:
        app.middleware.insert(0, TaskLogging())
    if not app.registry.names():
        raise ConfigurationError(
            f"--app {options.app} has no tasks", "import the modules that define them, or name one of those"
        )
    take_flags(
        app,
        invocation,
        worker_queues=split_names(options.queues) or None,
        worker_broadcasts=split_names(options.broadcasts) or None,
        prefetch_multiplier=options.prefetch_multiplier,
    )
    if options.processes > 1:
        words: list[Command] = [
            (command_line(invocation, options, number), None) for number in range(1, options.processes + 1)
        ]
        return asyncio.run(Supervisor(words, as_json=invocation.as_json).run())
    return asyncio.run(_serve(app, options, autoscale, as_json=invocation.as_json))


def _refuse_contradictions(options: StartOptions) -> None:
    if options.concurrency is not None and options.autoscale is not None:
        raise UsageError(
            "--concurrency and --autoscale exclude each other", "--autoscale MIN:MAX starts with MIN slots"
        )
    if options.metrics_host is not None and options.metrics_port is None:
        raise UsageError("--metrics-host is given without --metrics-port", "metrics are served at a port; 0 takes any")
    if options.reload and options.processes > 1:
        raise UsageError("--reload and --processes exclude each other", "leave one of them out")


def command_line(invocation: Invocation, options: StartOptions, number: int) -> list[str]:
    """Return the words that start one of several worker processes.

    Args:
        invocation: What the shared flags said.
        options: What the others said.
        number: Which one; appended to the worker id, if one is given.
    """
    flags: list[tuple[str, object]] = [
        *(("--queue", queue) for queue in options.queues),
        *(("--broadcast", channel) for channel in options.broadcasts),
        ("--concurrency", options.concurrency),
        ("--autoscale", options.autoscale),
        ("--prefetch-multiplier", options.prefetch_multiplier),
        ("--max-tasks-per-child", options.max_tasks_per_child),
        ("--max-memory-per-child", options.max_memory_per_child),
        ("--worker-id", _numbered(options, number)),
        ("--log-level", options.log_level),
        ("--log-format", options.log_format),
        ("--metrics-port", options.metrics_port and options.metrics_port + number - 1),
        ("--metrics-host", options.metrics_host),
        ("--broker", invocation.broker),
        ("--backend", invocation.backend),
        ("--namespace", invocation.namespace),
    ]
    given = [word for flag, value in flags if value is not None for word in (flag, str(value))]
    given += ["--schedule"] if options.schedule else []
    return ["worker", "start", "--app", options.app, *given, "--json"]


def _numbered(options: StartOptions, number: int) -> str | None:
    one = options.worker_id is None or options.processes == 1
    return options.worker_id if one else f"{options.worker_id}-{number}"


def _reload(invocation: Invocation, options: StartOptions) -> int:
    words = command_line(invocation, options, 1)
    return asyncio.run(Reloader(options.app, words if invocation.as_json else words[:-1]).run())


def parse_autoscale(text: str | None) -> WorkerAutoscaleConfig | None:
    """Read `MIN:MAX`.

    Raises:
        ConfigurationError: It is not two numbers, the lower one first, or the higher one is too high.
    """
    if text is None:
        return None
    least, _, most = text.partition(":")
    if not least.isdecimal() or not most.isdecimal() or not 1 <= int(least) <= int(most):
        raise ConfigurationError(f"--autoscale is {text!r}", "write MIN:MAX, such as 2:8, with a MIN of 1 or more")
    check_slots("--autoscale MAX", int(most))
    return WorkerAutoscaleConfig(enabled=True, min_concurrency=int(least), max_concurrency=int(most))


async def _serve(app: Stem, options: StartOptions, autoscale: WorkerAutoscaleConfig | None, *, as_json: bool) -> int:
    config, manager = app.config, ServiceManager.from_environment()
    queues = config.worker_queues or (app.routing.default_queue,)
    lifecycle = WorkerLifecycleConfig(
        max_tasks_per_child=options.max_tasks_per_child, max_memory_per_child_bytes=options.max_memory_per_child
    )
    async with app:
        broker, backend = await app.connect()
        refuse_memory(broker.location)
        worker = Worker(
            broker=broker,
            registry=app.registry,
            backend=backend,
            subscription=RoutingSubscription(map(app.routing.resolve, queues), config.worker_broadcasts),
            consumer_name=options.worker_id,
            concurrency=options.concurrency,
            prefetch_multiplier=config.prefetch_multiplier,
            heartbeat_interval=config.heartbeat_interval,
            autoscale=autoscale,
            lifecycle=lifecycle,
            app=AppPath(options.app, config),
            enqueuer=app,
            signer=app.signer,
        )
        with (
            handled(worker, lifecycle),
            metrics_served(app, broker, worker.id, options.metrics_host or _HERE, options.metrics_port) as metrics,
        ):
            await worker.start()
            scheduler = Scheduler(app) if options.schedule else None
            if scheduler is not None:
                await _start_beside(scheduler, worker)
            if as_json:
                ready = {"worker": worker.id, "boot": worker.boot, "queues": queues, "namespace": broker.namespace}
                write_json(ready if metrics is None else {**ready, "metrics": metrics})
            try:
                async with manager.told(lambda: worker_status(worker.snapshot())):
                    await worker.run()
            finally:
                if scheduler is not None:
                    await scheduler.stop()
    return 0


async def _start_beside(scheduler: Scheduler, worker: Worker) -> None:
    try:
        await scheduler.start()
    except BaseException:
        await worker.shutdown()
        raise
