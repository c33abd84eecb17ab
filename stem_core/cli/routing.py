"""`stem routing …`: what the routing file says, whether it is right, and where a task goes."""

from __future__ import annotations

from collections.abc import Iterable

import click

from stem_core.cli.enqueue import routing_of
from stem_core.cli.exit_codes import USAGE
from stem_core.cli.names import QUEUE, TASK
from stem_core.cli.options import json_option
from stem_core.cli.output import write_error, write_json, write_line, write_note, write_table
from stem_core.cli.routing_documents import error_document, routing_document, sample_file
from stem_core.config import StemConfig
from stem_core.errors import DocumentError, UsageError
from stem_core.options import MAX_PRIORITY
from stem_core.routing import RoutingConfig, load_routing
from stem_core.routing.explaining import explain as explain_route, oddities
from stem_core.routing.loading import read_routing
from stem_core.routing.rules import Rule
from stem_core.text import plural

file_option = click.option(
    "-f", "--file", metavar="FILE", help="Routing file; by default the one that STEM_ROUTING_CONFIG names."
)


@click.group()
def routing() -> None:
    """Look at the rules that decide where tasks go."""


@routing.command(epilog="Example: stem routing dump --sample > routing.yaml")
@click.option("--sample", is_flag=True, help="Print the sample file instead, which explains all that can be said.")
@file_option
@json_option
def dump(as_json: bool, file: str | None, sample: bool) -> None:
    """Print the routing in effect as a routing file. It is YAML, or with --json JSON."""
    if sample:
        path = sample_file()
        text = path.read_text()
        if as_json:
            write_json(routing_document(load_routing(path)))
        else:
            click.echo(text, nl=False)
        return
    document = routing_document(_routing(file))
    if as_json:
        write_json(document)
        return
    import yaml  # noqa: PLC0415 - only people want YAML

    for line in yaml.safe_dump(document, sort_keys=False).splitlines():
        write_line(line)


@routing.command(epilog="Example: stem routing check --file routing.yaml")
@file_option
@json_option
def check(as_json: bool, file: str | None) -> int:
    """Check a routing file, and show all of its errors at once. The exit code is 64 if there are any."""
    path = _config(file).routing_config
    if path is None:
        raise UsageError("there is no routing file to check", "name one with --file or STEM_ROUTING_CONFIG")
    try:
        found, errors = read_routing(path)
    except DocumentError as error:
        found, errors = RoutingConfig(), [error]
    odd = [] if errors else oddities(found)
    document = {"file": path, "errors": [error_document(each) for each in errors], "warnings": odd}
    if errors and not as_json:
        for each in errors:
            line, column = getattr(each, "line", None), getattr(each, "column", None)
            write_line(f"{path}:{line or 1}:{column or 1}: {each}")
    if errors:
        says = f"{path} has {plural(len(errors), 'error')}"
        write_error(says, "fix them; until then the whole file is refused", as_json=as_json, extra=document)
        return USAGE
    if as_json:
        write_json(document)
        return 0
    numbers = (("rule", found.rules), ("queue", found.queues), ("channel", found.broadcasts))
    write_line(f"{path} is valid: {', '.join(plural(len(each), one) for one, each in numbers)}")
    for warning in odd:
        write_note(f"stem: warning: {warning}")
    return 0


@routing.command(epilog="Example: stem routing explain billing.invoice --header tier=gold")
@click.argument("task", type=TASK)
@click.option("--header", "headers", multiple=True, metavar="K=V", help="Header that it carries; may be repeated.")
@click.option("--queue", type=QUEUE, metavar="Q", help="Queue that its caller asks for.")
@click.option(
    "--priority", type=click.IntRange(0, MAX_PRIORITY), metavar="N", help="Priority that its caller asks for."
)
@file_option
@json_option
def explain(
    as_json: bool, task: str, headers: tuple[str, ...], queue: str | None, priority: int | None, file: str | None
) -> None:
    """Say where a task goes, and why. The other rules are explained too; nothing is sent."""
    rules = _routing(file)
    said = explain_route(rules, task, _headers(headers), queue, priority)
    if as_json:
        write_json(
            {
                "task": task,
                "queue": None if said.route.broadcast else said.route.queue,
                "broadcast": said.route.broadcast,
                "priority": None if said.route.broadcast else said.route.priority,
                "rule": said.rule,
                "why": {"queue": said.queue, "priority": said.priority},
                "rules": [
                    {"rule": number, "decides": number == said.rule, "why": verdict}
                    for number, verdict in enumerate(said.verdicts, 1)
                ],
            }
        )
        return
    if said.route.broadcast:
        write_line(f"channel {said.route.broadcast!r}: {said.queue}")
    else:
        write_line(f"queue {said.route.queue!r}: {said.queue}")
        write_line(f"priority {said.route.priority}: {said.priority}")
    rows = [
        (number, _match_text(rule), _target_text(rule), verdict)
        for number, (rule, verdict) in enumerate(zip(rules.rules, said.verdicts, strict=True), 1)
    ]
    write_table(["RULE", "MATCHES", "TO", "HERE IT"], rows, "there are no rules")


def _config(file: str | None) -> StemConfig:
    return StemConfig.from_environment(flags={"routing_config": "--file"}, routing_config=file)


def _routing(file: str | None) -> RoutingConfig:
    return routing_of(_config(file))


def _headers(words: Iterable[str]) -> dict[str, str]:
    headers = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise UsageError(f"--header is {word!r}", "write name=value, such as tier=gold")
        headers[name] = value
    return headers


def _match_text(rule: Rule) -> str:
    parts = [", ".join(rule.tasks), *(f"{name}={value}" for name, value in rule.headers.items())]
    parts += [] if rule.asked is None else [f"asked for {rule.asked}"]
    return " ".join(part for part in parts if part) or "everything"


def _target_text(rule: Rule) -> str:
    return f"channel {rule.broadcast}" if rule.broadcast else f"queue {rule.queue}"
