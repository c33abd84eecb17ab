"""`stem enqueue`: send a task without the program that defines it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, NoReturn

import click

from stem_core.cli.names import QUEUE, TASK
from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import write_json, write_line
from stem_core.cli.progress import progress
from stem_core.cli.values import DURATION
from stem_core.client.cluster import ClusterClient
from stem_core.client.job import Job
from stem_core.client.preparing import Prepared, prepare, signing_for
from stem_core.client.producer import MAX_BATCH
from stem_core.clock import SYSTEM_CLOCK
from stem_core.config import StemConfig
from stem_core.errors import BrokerError, InvalidArgumentsError
from stem_core.options import MAX_PRIORITY, TaskOptions
from stem_core.routing import RoutingConfig, broadcast_topic, load_routing
from stem_core.signing import PayloadSigner
from stem_core.tasks.enqueuing import EnqueueOptions


@click.command(epilog='Example: stem enqueue email.send --args \'{"to": "a@b.c"}\' --count 200')
@click.argument("name", type=TASK)
@click.option(
    "--args", "args_text", default="{}", metavar="JSON", help="Arguments: a JSON object; - reads it from stdin."
)
@click.option("--queue", type=QUEUE, metavar="Q", help="Queue; by default what routing says, else the default queue.")
@click.option("--count", type=click.IntRange(min=1), default=1, metavar="N", help="How many of them.")
@click.option("--delay", type=DURATION, metavar="5s", help="Not before this long from now.")
@click.option("--priority", type=click.IntRange(0, MAX_PRIORITY), metavar="P", help="0 to 9; higher runs first.")
@click.option("--broadcast", metavar="C", help="To all workers of this channel.")
@cluster_options
def enqueue(invocation: Invocation, name: str, args_text: str, count: int, delay: float | None, **rest: Any) -> None:
    """Send the task NAME to a queue. Whether a worker knows it shows when one fetches it."""
    config = invocation.config()
    options: EnqueueOptions = {"countdown": delay, **rest}  # type: ignore[typeddict-item]  # the flags named as they are
    job = Job(name, parse_args(sys.stdin.read() if args_text == "-" else args_text), **options)
    routing = routing_of(config)
    sign = signing_for(PayloadSigner.from_config(config), config.namespace)

    def prepared() -> Prepared:
        return prepare(job, TaskOptions(), routing, SYSTEM_CLOCK.time(), sign)

    first = prepared()  # before anything is sent, or even connected to: what is wrong with it shows here
    ids = [first.envelope.id]

    async def send(cluster: ClusterClient) -> None:
        with progress("enqueuing", quiet=invocation.as_json) as on_done:
            for start in range(0, count, MAX_BATCH):
                batch = [prepared() for _ in range(min(MAX_BATCH, count - start) - (not start))]
                ids.extend(each.envelope.id for each in batch)
                await _send(cluster, batch if start else [first, *batch], start, count)
                on_done(min(start + MAX_BATCH, count), count)
                await asyncio.sleep(0)

    invocation.run(send)
    if invocation.as_json:
        write_json({"ids": ids})
    elif count == 1:
        write_line(ids[0])
    else:
        place = f"channel {first.broadcast!r}" if first.broadcast else f"queue {first.envelope.queue!r}"
        write_line(f"{count:,} x {name} to {place}: {ids[0]} … {ids[-1]}")


def parse_args(text: str) -> dict[str, object]:
    """Read the arguments of a task.

    Raises:
        InvalidArgumentsError: They are no JSON object; the message says where it breaks.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidArgumentsError(
            f"--args is not JSON at {place}: {error.msg}", """write an object, such as '{"to": "a@b.c"}'"""
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentsError(f"--args cannot be read: {error}", "use what JSON knows") from error
    if not isinstance(value, dict):
        raise InvalidArgumentsError(
            f"--args is a JSON {_KINDS.get(type(value), 'number')}, not an object",
            """name the arguments, such as '{"to": "a@b.c"}'""",
        )
    return value


_KINDS = {list: "array", str: "string", bool: "boolean", type(None): "null"}


def routing_of(config: StemConfig) -> RoutingConfig:
    """Return the routing that the settings name."""
    routing = load_routing(config.routing_config) if config.routing_config else RoutingConfig()
    return routing.with_default(config.default_queue)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def _send(cluster: ClusterClient, batch: list[Prepared], before: int, count: int) -> None:
    channel = batch[0].broadcast
    try:
        if channel is None:
            await cluster.broker.publish([each.sealed for each in batch])
        else:
            await cluster.broker.append(broadcast_topic(channel), [each.sealed.body for each in batch])
    except BrokerError as error:
        if before:
            raise type(error)(f"{error.message} (after {before:,} of {count:,} were sent)", error.hint) from error
        raise
