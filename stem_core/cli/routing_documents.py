"""The shapes in which `stem routing` prints, for scripts and routing files to rely on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stem_core.errors import ConfigurationError
from stem_core.routing import RoutingConfig, Rule
from stem_core.routing.rules import ALIAS, FULL_RANGE


def routing_document(rules: RoutingConfig) -> dict[str, Any]:
    """Return a routing in the form of a routing file."""
    queues = {
        name: {} if limits == FULL_RANGE else {"priority_range": list(limits)} for name, limits in rules.queues.items()
    }
    if rules.default_queue != ALIAS:
        queues.setdefault(rules.default_queue, {})
    return {
        "default_queue": {"alias": rules.alias, "queue": rules.default_queue},
        "queues": queues,
        "broadcasts": {name: {} for name in rules.broadcasts},
        "routes": [_rule_document(rule) for rule in rules.rules],
    }


def _rule_document(rule: Rule) -> dict[str, Any]:
    match = {"task": list(rule.tasks), "headers": dict(rule.headers), "queue_override": rule.asked}
    kind, name = ("queue", rule.queue) if rule.broadcast is None else ("broadcast", rule.broadcast)
    document: dict[str, Any] = {
        "match": {key: value for key, value in match.items() if value},
        "target": {"type": kind, "name": name},
    }
    return document if rule.priority is None else {**document, "priority_override": rule.priority}


def error_document(error: ConfigurationError) -> dict[str, object]:
    """Return an error of a routing file as JSON data, with its place if that is known."""
    place = {name: getattr(error, name, None) for name in ("line", "column")}
    return {**place, "message": error.message, "hint": error.hint}


def sample_file() -> Path:
    """Return where the sample lies, in a wheel and in an editable install.

    Raises:
        ConfigurationError: It is not part of this installation.
    """
    top = Path(__file__).resolve().parents[2]
    for folder in (top / "stem_tui" / "sample_configs", top / "sample_configs"):
        if (folder / "routing.yaml").is_file():
            return folder / "routing.yaml"
    raise ConfigurationError("the sample is not part of this installation", "install stem-tui again")
