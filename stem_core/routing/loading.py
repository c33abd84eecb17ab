"""Reading a routing file, YAML or JSON (which is YAML too).

Whatever is unknown, of the wrong type, or without effect in this version is an error: a routing file that is half
understood sends work to the wrong place.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from stem_core.envelope import check_name
from stem_core.errors import ConfigurationError
from stem_core.routing.node import Node
from stem_core.routing.rules import ALIAS, FULL_RANGE, RoutingConfig, Rule

if TYPE_CHECKING:
    import os

MAX_FILE_BYTES: Final = 1024 * 1024

_NO_EFFECT: Final = "it has no effect here; remove it"


def load_routing(path: str | os.PathLike[str]) -> RoutingConfig:
    """Read a routing file.

    Args:
        path: A YAML or JSON file, at most 1 MiB.

    Raises:
        ConfigurationError: The file cannot be read or does not say what it must; names file, key and what is right.
    """
    file = Path(path)
    root = Node(str(file), "", _parse(file, _read(file)))
    if root.value is None:
        return RoutingConfig()
    parts = root.mapping({"default_queue", "queues", "broadcasts", "routes"})
    queues = _queues(parts["queues"]) if "queues" in parts else {}
    broadcasts = _broadcasts(parts["broadcasts"]) if "broadcasts" in parts else ()
    alias, default_queue = _default_queue(parts.get("default_queue"), queues)
    rules = tuple(_rule(node, broadcasts) for node in parts["routes"].items()) if "routes" in parts else ()
    return RoutingConfig(default_queue=default_queue, queues=queues, broadcasts=broadcasts, rules=rules, alias=alias)


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise ConfigurationError(f"{file} is larger than {MAX_FILE_BYTES:,} bytes", "split the routing up")
        return data.decode()
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}", "give the path of a routing file") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not text in UTF-8", "save it as UTF-8") from error


def _parse(file: Path, text: str) -> object:
    import yaml  # noqa: PLC0415 - a worker without a routing file never needs it

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ConfigurationError(f"{file} uses YAML aliases (*name)", "write the value out")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        raise ConfigurationError(f"{file} is not YAML{place}: {problem}", "correct that line") from error


def _default_queue(node: Node | None, queues: dict[str, tuple[int, int]]) -> tuple[str, str]:
    if node is None:
        return ALIAS, ALIAS
    alias = ALIAS
    if isinstance(node.value, dict):
        parts = node.mapping({"alias", "queue"}, refused={"fallbacks": _NO_EFFECT}, required={"queue"})
        alias = check_name("alias", parts["alias"].text()) if "alias" in parts else ALIAS
        node = parts["queue"]
    queue = node.text()
    if queue != ALIAS and queue not in queues:
        raise node.wrong(f"names the queue {queue!r}, which is not declared", f"declare it under queues: {queue}: {{}}")
    return alias, queue


def _queues(node: Node) -> dict[str, tuple[int, int]]:
    refused = dict.fromkeys(("exchange", "routing_key", "bindings", "meta"), _NO_EFFECT)
    result = {}
    for name, queue in node.entries().items():
        parts = queue.mapping({"priority_range"}, refused=refused)
        result[check_name("queue", name)] = _range(parts["priority_range"]) if "priority_range" in parts else FULL_RANGE
    return result


def _range(node: Node) -> tuple[int, int]:
    if isinstance(node.value, dict):
        parts = node.mapping({"min", "max"}, required={"min", "max"})
        bounds = [parts["min"], parts["max"]]
    else:
        bounds = node.items()
    if len(bounds) != 2:
        raise node.wrong(f"has {len(bounds)} numbers", "write [least, most]")
    least, most = bounds[0].integer(*FULL_RANGE), bounds[1].integer(*FULL_RANGE)
    if least > most:
        raise node.wrong(f"goes from {least} to {most}", "write the lower number first")
    return least, most


def _broadcasts(node: Node) -> tuple[str, ...]:
    refused = dict.fromkeys(("durability", "delivery", "meta"), _NO_EFFECT)
    for name, channel in node.entries().items():
        check_name("broadcast channel", name)
        channel.mapping(set(), refused=refused)
    return tuple(node.entries())


def _rule(node: Node, broadcasts: tuple[str, ...]) -> Rule:
    parts = node.mapping({"match", "target", "priority_override"}, refused={"options": _NO_EFFECT}, required={"target"})
    match = (
        parts["match"].mapping({"task", "headers"}, refused={"queue_override": _NO_EFFECT}) if "match" in parts else {}
    )
    queue, broadcast = _target(parts["target"], broadcasts)
    headers = match["headers"].entries() if "headers" in match else {}
    return Rule(
        tasks=_patterns(match["task"]) if "task" in match else (),
        headers={name: value.text() for name, value in headers.items()},
        queue=queue,
        broadcast=broadcast,
        priority=parts["priority_override"].integer(*FULL_RANGE) if "priority_override" in parts else None,
    )


def _patterns(node: Node) -> tuple[str, ...]:
    return tuple(item.text() for item in node.items()) if isinstance(node.value, list) else (node.text(),)


def _target(node: Node, broadcasts: tuple[str, ...]) -> tuple[str | None, str | None]:
    parts = node.mapping({"type", "name"}, required={"type", "name"})
    kind, name = parts["type"].text(), parts["name"].text()
    if kind == "queue":
        return check_name("queue", name), None
    if kind != "broadcast":
        raise parts["type"].wrong(f"is {kind!r}", "write queue or broadcast")
    if name not in broadcasts:
        raise parts["name"].wrong(
            f"names the broadcast channel {name!r}, which is not declared", f"declare it under broadcasts: {name}: {{}}"
        )
    return None, name
