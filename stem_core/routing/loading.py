"""Reading a routing file, YAML or JSON (which is YAML too).

Whatever is unknown, of the wrong type, or without effect is an error: a routing file that is half understood sends work
to the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from stem_core.envelope import check_name
from stem_core.errors import ConfigurationError, DocumentError
from stem_core.routing.document import read_document
from stem_core.routing.node import Node
from stem_core.routing.rules import ALIAS, FULL_RANGE, RoutingConfig, Rule

if TYPE_CHECKING:
    import os

T = TypeVar("T")

_NO_EXCHANGE: Final = "there are no exchanges here, a job goes to a queue by name; remove it, and use routes"
_NO_META: Final = "nothing reads it; write a comment"
_REFUSED_OF_DEFAULT: Final = {
    "fallbacks": "a queue keeps its jobs until a worker comes, so remove it; workers may fetch from several queues",
}
_REFUSED_OF_QUEUES: Final = {
    **dict.fromkeys(("exchange", "routing_key", "bindings"), _NO_EXCHANGE),
    "meta": _NO_META,
}
_REFUSED_OF_BROADCASTS: Final = {
    "durability": "a channel is kept as its store keeps things; remove it",
    "delivery": "each message goes at most once to each worker that listens, and this cannot be chosen; remove it",
    "meta": _NO_META,
}
_REFUSED_OF_ROUTES: Final = {"options": "set them where the task is defined or enqueued"}


def load_routing(path: str | os.PathLike[str]) -> RoutingConfig:
    """Read a routing file.

    Args:
        path: A YAML or JSON file, at most 1 MiB.

    Raises:
        ConfigurationError: The file cannot be read or does not say what it must; names file, line, key and what is
            right, of the first error if there are several.
    """
    routing, errors = read_routing(path)
    if errors:
        more = f"; so much for the first of {len(errors)} errors, see stem routing check" if len(errors) > 1 else ""
        first = errors[0]
        line, column = (first.line, first.column) if isinstance(first, DocumentError) else (None, None)
        raise DocumentError(first.message, f"{first.hint}{more}", line=line, column=column)
    return routing


def read_routing(path: str | os.PathLike[str]) -> tuple[RoutingConfig, list[ConfigurationError]]:
    """Read a routing file, and return what could be understood of it and all errors, in the order of the file.

    Raises:
        ConfigurationError: The file cannot be read, or is not YAML.
    """
    errors: list[ConfigurationError] = []
    root = replace(read_document(path, "routing"), heard=errors.append)
    routing = (_attempt(root, _root) if root.value is not None else None) or RoutingConfig()
    errors.sort(key=lambda error: (getattr(error, "line", None) or 0, getattr(error, "column", None) or 0))
    return routing, errors


def _attempt(node: Node, read: Callable[[Node], T]) -> T | None:
    try:
        return read(node)
    except ConfigurationError as error:
        node.complain(error)
        return None


def _part(parts: Mapping[str, Node], key: str, read: Callable[[Node], T]) -> T | None:
    return _attempt(parts[key], read) if key in parts else None


def _root(root: Node) -> RoutingConfig:
    parts = root.mapping({"default_queue", "queues", "broadcasts", "routes"})
    queues = _part(parts, "queues", _queues) or {}
    broadcasts = _part(parts, "broadcasts", _broadcasts) or ()
    named = _part(parts, "default_queue", lambda node: _default_queue(node, queues))
    alias, default_queue = named or (ALIAS, ALIAS)
    rules = _part(parts, "routes", lambda node: _rules(node, broadcasts)) or ()
    return RoutingConfig(default_queue=default_queue, queues=queues, broadcasts=broadcasts, rules=rules, alias=alias)


def _default_queue(node: Node, queues: dict[str, tuple[int, int]]) -> tuple[str, str]:
    alias = ALIAS
    if isinstance(node.value, dict):
        parts = node.mapping({"alias", "queue"}, refused=_REFUSED_OF_DEFAULT, required={"queue"})
        alias = _name("alias", parts["alias"].text(), parts["alias"]) if "alias" in parts else ALIAS
        node = parts["queue"]
    queue = node.text()
    if queue != ALIAS and queue not in queues:
        raise node.wrong(f"names the queue {queue!r}, which is not declared", f"declare it under queues: {queue}: {{}}")
    return alias, queue


def _queues(node: Node) -> dict[str, tuple[int, int]]:
    result = {}
    for name, queue in node.entries().items():
        _attempt(queue, partial(_name, "queue", name))
        result[name] = _attempt(queue, _queue) or FULL_RANGE
    return result


def _queue(node: Node) -> tuple[int, int]:
    parts = node.mapping({"priority_range"}, refused=_REFUSED_OF_QUEUES)
    return _part(parts, "priority_range", _range) or FULL_RANGE


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
    for name, channel in node.entries().items():
        _attempt(channel, partial(_name, "broadcast channel", name))
        _attempt(channel, lambda channel: channel.mapping(set(), refused=_REFUSED_OF_BROADCASTS))
    return tuple(node.entries())


def _rules(node: Node, broadcasts: tuple[str, ...]) -> tuple[Rule, ...]:
    return tuple(_attempt(item, lambda item: _rule(item, broadcasts)) or Rule() for item in node.items())


def _rule(node: Node, broadcasts: tuple[str, ...]) -> Rule:
    parts = node.mapping({"match", "target", "priority_override"}, refused=_REFUSED_OF_ROUTES, required={"target"})
    match = _part(parts, "match", _match) or Rule()
    queue, broadcast = _attempt(parts["target"], lambda target: _target(target, broadcasts)) or (None, None)
    priority = None
    if "priority_override" in parts:
        override = parts["priority_override"]
        priority = _attempt(override, lambda node: node.integer(*FULL_RANGE))
        if broadcast is not None:
            node.complain(override.wrong("goes with a broadcast, which has no priority", "remove it"))
    return replace(match, queue=queue, broadcast=broadcast, priority=priority)


def _match(node: Node) -> Rule:
    parts = node.mapping({"task", "headers", "queue_override"})
    headers = _part(parts, "headers", Node.entries) or {}
    return Rule(
        tasks=_part(parts, "task", _patterns) or (),
        headers={name: _attempt(value, Node.text) or "" for name, value in headers.items()},
        asked=_part(parts, "queue_override", lambda node: _name("queue", node.text(), node)),
    )


def _patterns(node: Node) -> tuple[str, ...]:
    return tuple(item.text() for item in node.items()) if isinstance(node.value, list) else (node.text(),)


def _target(node: Node, broadcasts: tuple[str, ...]) -> tuple[str | None, str | None]:
    parts = node.mapping({"type", "name"}, required={"type", "name"})
    kind, name = parts["type"].text(), parts["name"].text()
    if kind == "queue":
        return _name("queue", name, parts["name"]), None
    if kind != "broadcast":
        raise parts["type"].wrong(f"is {kind!r}", "write queue or broadcast")
    if name not in broadcasts:
        raise parts["name"].wrong(
            f"names the broadcast channel {name!r}, which is not declared", f"declare it under broadcasts: {name}: {{}}"
        )
    return None, name


def _name(kind: str, name: str, node: Node) -> str:
    try:
        return check_name(kind, name)
    except ConfigurationError as error:
        raise node.wrong(f"is no usable name of a {kind}", error.hint or "") from error
