"""Reading a routing file, YAML or JSON (which is YAML too).

Whatever is unknown, of the wrong type, or without effect in this version is an error: a routing file that is half
understood sends work to the wrong place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stem_core.envelope import check_name
from stem_core.routing.document import read_document
from stem_core.routing.node import Node
from stem_core.routing.rules import ALIAS, FULL_RANGE, RoutingConfig, Rule

if TYPE_CHECKING:
    import os

_NO_EFFECT: Final = "it has no effect here; remove it"


def load_routing(path: str | os.PathLike[str]) -> RoutingConfig:
    """Read a routing file.

    Args:
        path: A YAML or JSON file, at most 1 MiB.

    Raises:
        ConfigurationError: The file cannot be read or does not say what it must; names file, key and what is right.
    """
    root = read_document(path, "routing")
    if root.value is None:
        return RoutingConfig()
    parts = root.mapping({"default_queue", "queues", "broadcasts", "routes"})
    queues = _queues(parts["queues"]) if "queues" in parts else {}
    broadcasts = _broadcasts(parts["broadcasts"]) if "broadcasts" in parts else ()
    alias, default_queue = _default_queue(parts.get("default_queue"), queues)
    rules = tuple(_rule(node, broadcasts) for node in parts["routes"].items()) if "routes" in parts else ()
    return RoutingConfig(default_queue=default_queue, queues=queues, broadcasts=broadcasts, rules=rules, alias=alias)


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
