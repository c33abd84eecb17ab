"""Routing: the first matching rule decides, and a file that is half understood is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stem_core.errors import ConfigurationError
from stem_core.options import TaskOptions
from stem_core.routing import Route, RoutingConfig, RoutingSubscription, broadcast_topic, load_routing

SAMPLE = Path(__file__).parents[2] / "sample_configs" / "routing.yaml"


def load(tmp_path: Path, text: str) -> RoutingConfig:
    file = tmp_path / "routing.yaml"
    file.write_text(text)
    return load_routing(file)


def test_without_rules_the_task_itself_decides() -> None:
    assert RoutingConfig().route("a", usual=TaskOptions(queue="slow", priority=3)) == Route("slow", None, 3)
    assert RoutingConfig().route("a") == Route("default", None, 0)


def test_the_callers_wish_comes_before_rules_and_options() -> None:
    config = load_routing(SAMPLE)
    assert config.route("email.send", queue="critical", priority=7) == Route("critical", None, 7)
    assert config.route("email.send", usual=TaskOptions(queue="slow")) == Route("email", None, 0)


def test_the_sample_file_routes_as_it_says() -> None:
    config = load_routing(SAMPLE)
    assert config.route("billing.invoice", {"tier": "gold"}) == Route("critical", None, 9)
    assert config.route("billing.invoice", {"tier": "silver"}) == Route("default", None, 0)
    assert config.route("newsletter.send") == Route("email", None, 0)
    assert config.route("cache.invalidate").broadcast == "updates"


def test_priorities_are_brought_into_the_queues_range() -> None:
    config = load_routing(SAMPLE)
    assert config.route("x", queue="critical", priority=1).priority == 5
    assert config.route("email.send", priority=9).priority == 4


def test_default_stands_for_the_default_queue(tmp_path: Path) -> None:
    config = load(tmp_path, "default_queue: {alias: usual, queue: main}\nqueues: {main: }\n")
    assert config.route("x").queue == "main"
    assert config.route("x", queue="usual").queue == "main"
    assert config.with_default("other").route("x").queue == "other"


def test_json_is_read_too(tmp_path: Path) -> None:
    config = load(tmp_path, '{"routes": [{"match": {"task": "a.*"}, "target": {"type": "queue", "name": "b"}}]}')
    assert config.route("a.x").queue == "b"


def test_an_empty_file_routes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "") == RoutingConfig()


@pytest.mark.parametrize(
    ("text", "place", "right"),
    [
        ("defaultqueue: x", "defaultqueue", "default_queue"),
        ("default_queue: x", "default_queue", "declare it under queues"),
        ("default_queue: {queue: default, fallbacks: [a]}", "default_queue.fallbacks", "remove it"),
        ("queues: [a]", "queues", "mapping"),
        ("queues: {a: {bindings: []}}", "queues.a.bindings", "remove it"),
        ("queues: {a: {priority_range: [1]}}", "queues.a.priority_range", "[least, most]"),
        ("queues: {a: {priority_range: [5, 1]}}", "queues.a.priority_range", "lower number first"),
        ("queues: {a: {priority_range: [0, 99]}}", "queues.a.priority_range[1]", "0 to 9"),
        ("queues: {a: {priority_range: {min: yes, max: 2}}}", "priority_range.min", "whole number"),
        ("queues: {'a b': {}}", "a b", "letters"),
        ("queues: {1: {}}", "queues", "quotes"),
        ("broadcasts: {a: {delivery: x}}", "broadcasts.a.delivery", "remove it"),
        ("routes: {}", "routes", "a list"),
        ("routes: [{match: {}}]", "routes[0]", "target"),
        ("routes: [{target: {type: topic, name: a}}]", "routes[0].target.type", "queue or broadcast"),
        ("routes: [{target: {type: broadcast, name: a}}]", "routes[0].target.name", "declare it under broadcasts"),
        ("routes: [{target: {type: queue}}]", "routes[0].target", "name"),
        ("routes: [{match: {tasks: a}, target: {type: queue, name: a}}]", "routes[0].match.tasks", "task?"),
        ("routes: [{match: {task: 5}, target: {type: queue, name: a}}]", "routes[0].match.task", "text"),
        ("routes: [{match: {headers: {a: 1}}, target: {type: queue, name: a}}]", "routes[0].match.headers.a", "text"),
        ("a: [", "line 1", "correct that line"),
        ("a: &x 1\nb: *x", "alias (*name) at line 2, column 4", "write the value out"),
        ("queues:\n  a: {}\n  <<: {b: {}}", "line 3, column 3", "write the values out"),
        ("queues:\n\ta: {}", "line 2, column 1", "correct that line"),
        ("queues: {}\nroutes: \x00", "line 2, column 9", "special characters"),
        ("queues:\n  a: " + "[" * 100_000, "deeper than 64 levels at line 2", "flatter"),
        ('queues: {"\\e[2J": {}}', "queues.\\x1b[2J", "letters"),
        ('{"queues": {},\n"queues": {}}', "lines 1 and 2", "keep one"),
        ("a: !!python/object:os.system {}", "not YAML", "correct"),
        ("queues: {}\nroutes:\n  - target: {type: topic, name: a}", "line 3", "queue or broadcast"),
        ("queues: {}\nqueues: {}", "lines 1 and 2", "keep one"),
        ("queues: {}\ndefault_queue: 2025-13-45", "no timestamp, at line 2, column 16", "in quotes"),
        ("queues: {}\ndefault_queue: " + "1" * 5000, "no int, at line 2, column 16", "in quotes"),
        ("queues: {}\ndefault_queue: !!bool x", "no bool, at line 2, column 16", "in quotes"),
        ("queues: {}\ndefault_queue: !!timestamp x", "no timestamp, at line 2, column 16", "in quotes"),
        ("a:\n" + f"  {{{'k' * 999}: " * 60 + "[" + "1, " * 1000 + "1]" + "}" * 60, "names at line 2", "shorter names"),
        ('queues: {}\n"\\ud83d": 1', "half of a character (a lone surrogate) at line 2, column 1", "whole one"),
    ],
)
def test_a_wrong_file_names_the_place_and_what_is_right(tmp_path: Path, text: str, place: str, right: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert place in str(caught.value)
    assert "routing.yaml" in str(caught.value) or place == "a b"
    assert right in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.yaml"):
        load_routing(tmp_path / "missing.yaml")
    with pytest.raises(ConfigurationError, match="larger than"):
        load(tmp_path, "#" * (1024 * 1024 + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_routing(tmp_path / "binary")


def test_a_subscription_is_trimmed_and_not_empty() -> None:
    subscription = RoutingSubscription(queues=[" a ", "b", "a"], broadcast_channels=["c"])
    assert subscription.queues == ("a", "b")
    assert subscription.broadcast_channels == ("c",)
    assert subscription == RoutingSubscription(["a", "b"], ["c"])
    with pytest.raises(ConfigurationError, match="empty"):
        RoutingSubscription()
    with pytest.raises(ConfigurationError, match="list of names"):
        RoutingSubscription(queues="default")
    assert broadcast_topic("updates") == "broadcast.updates"


def test_a_rule_may_redirect_what_its_caller_asks_for(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "default_queue: {alias: usual, queue: main}\nqueues: {main: {}, slow: {}}\n"
        "routes:\n  - match: {task: 'report.*', queue_override: main}\n    target: {type: queue, name: slow}\n",
    )
    assert config.route("report.a", queue="main").queue == "slow"
    assert config.route("report.a", queue="usual").queue == "slow"
    assert config.route("report.a", queue="other").queue == "other"
    assert config.route("other.a", queue="main").queue == "main"
    assert config.route("report.a").queue == "main"


def test_camel_case_is_read_as_the_original_writes_it(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        '{"defaultQueue": "a", "queues": {"a": {"priorityRange": [1, 2]}}, "routes": [{"match": {"queueOverride": "b"},'
        ' "target": {"type": "queue", "name": "a"}, "priorityOverride": 9}]}',
    )
    assert config.route("x", queue="b") == Route("a", None, 2)
    with pytest.raises(ConfigurationError, match="a second time"):
        load(tmp_path, '{"defaultQueue": "default", "default_queue": "default"}')


def test_the_first_error_is_raised_and_the_number_of_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"x in .*line 1, is not a known key.*first of 2 errors"):
        load(tmp_path, "x: 1\ny: 2\n")


def test_json_may_be_indented_with_tabs(tmp_path: Path) -> None:
    text = '{\n\t"queues": {\n\t\t"a": {"priority_range":\t[1, 3]}\n\t}\n}\n'
    assert load(tmp_path, text).queues == {"a": (1, 3)}
    with pytest.raises(ConfigurationError, match="line 3"):
        load(tmp_path, text.replace("3]", "30]"))


def test_json_may_write_a_character_as_two_escapes(tmp_path: Path) -> None:
    document = {"queues": {"a": {}}, "routes": [{"match": {"task": "😀"}, "target": {"type": "queue", "name": "a"}}]}
    text = json.dumps(document)
    assert "\\ud83d\\ude00" in text
    assert load(tmp_path, text).route("😀").queue == "a"


@pytest.mark.parametrize("path", ["/nonexistent/routing.yaml", "/", "a\x00b", "/tmp/\ud800"])
def test_a_path_that_is_none_is_an_error_that_can_be_shown(path: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot read") as caught:
        load_routing(path)
    assert str(caught.value).isprintable()
