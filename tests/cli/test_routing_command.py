"""`stem routing`: what the file says, all of its errors, and where a task goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stem_core.cli.routing_documents import routing_document
from stem_core.routing import load_routing
from stem_core.routing.explaining import oddities
from tests.cli.conftest import ROOT, Stem, one_line

SAMPLE = str(ROOT / "sample_configs" / "routing.yaml")


def test_what_is_dumped_can_be_read_again(stem: Stem, tmp_path: Path) -> None:
    routing = load_routing(SAMPLE)
    for words in ([], ["--json"]):
        file = tmp_path / "again.yaml"
        file.write_text(stem("routing", "dump", "--file", SAMPLE, *words).out)
        assert load_routing(file) == routing
    assert stem("routing", "dump", "--sample").out == Path(SAMPLE).read_text()
    assert stem("routing", "dump", "--sample", "--json").json == routing_document(routing)


def test_without_a_file_the_default_queue_is_all_there_is(stem: Stem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEM_DEFAULT_QUEUE", "main")
    document = stem("routing", "dump", "--json").json
    assert document["default_queue"] == {"alias": "default", "queue": "main"}
    assert (document["queues"], document["routes"]) == ({"main": {}}, [])
    ran = stem("routing", "check")
    assert (ran.code, one_line(ran.err)) == (64, True)


def test_all_errors_are_shown_at_once_each_with_its_place(stem: Stem, tmp_path: Path) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text(
        "default_queue:\n  queue: nowhere\n  fallbacks: [b]\n"
        "queues:\n  a: {priority_range: [9, 1]}\n  'b c': {exchange: x}\n"
        "broadcasts:\n  news: {durability: durable, delivery: exactly-once}\n"
        "routes:\n"
        "  - match: {task: 5, headers: {tier: 1}}\n    target: {type: topic, name: a}\n    prioriti: 1\n"
        "  - target: {type: broadcast, name: news}\n    priority_override: 3\n"
    )
    ran = stem("routing", "check", "--file", str(file), "--json")
    assert ran.code == 64
    assert one_line(ran.err)
    places = [(error["line"], error["column"]) for error in ran.json["errors"]]
    assert places == [
        (2, 3), (3, 3), (5, 7), (6, 3), (6, 11), (8, 10), (8, 31), (10, 13), (10, 32), (11, 14), (12, 5), (14, 5),
    ]  # fmt: skip
    assert all(error["hint"] for error in ran.json["errors"])
    shown = stem("routing", "check", "--file", str(file))
    assert shown.out.startswith(f"{file}:2:3: default_queue.queue in {file}, line 2, names the queue 'nowhere'")
    assert len(shown.out.splitlines()) == 12
    one = stem("routing", "dump", "--file", str(file))
    assert one.code == 64
    assert "the first of 12 errors" in one.err


def test_a_file_that_is_no_yaml_names_line_and_column(stem: Stem, tmp_path: Path) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text("queues:\n  a: [\n")
    ran = stem("routing", "check", "--file", str(file), "--json")
    assert ran.code == 64
    assert ran.json["errors"][0]["line"] == 3
    assert stem("routing", "check", "--file", str(tmp_path / "no.yaml")).code == 64


def test_a_right_file_is_said_to_be_right_and_what_is_odd_in_it_is_noted(stem: Stem, tmp_path: Path) -> None:
    assert stem("routing", "check", "--file", SAMPLE, "--json").json["errors"] == []
    file = tmp_path / "routing.yaml"
    file.write_text(
        "queues: {a: {}}\nroutes:\n  - target: {type: queue, name: a}\n"
        "  - match: {task: x}\n    target: {type: queue, name: typo}\n"
    )
    ran = stem("routing", "check", "--file", str(file))
    assert ran.code == 0
    assert "is valid: 2 rules, 1 queue, " in ran.out
    assert "rule 2 sends to queue 'typo', which is not declared" in ran.err
    assert "rule 2 never decides: rule 1 matches all that it does" in ran.err
    assert oddities(load_routing(SAMPLE)) == []


def test_an_explanation_says_which_rule_decides_and_why_others_do_not(
    stem: Stem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEM_ROUTING_CONFIG", SAMPLE)
    gold = stem("routing", "explain", "billing.invoice", "--header", "tier=gold", "--priority", "1", "--json").json
    assert (gold["queue"], gold["priority"], gold["rule"]) == ("critical", 5, 1)
    assert "takes 5 to 9" in gold["why"]["priority"]
    assert [rule["decides"] for rule in gold["rules"]] == [True, False, False]
    silver = stem("routing", "explain", "billing.invoice", "--header", "tier=silver", "--json").json
    assert (silver["queue"], silver["rule"]) == ("default", None)
    assert silver["rules"][0]["why"] == "header 'tier' is 'silver', not 'gold'"
    assert "no header 'tier'" in stem("routing", "explain", "billing.invoice").out
    asked = stem("routing", "explain", "email.send", "--queue", "slow", "--json").json
    assert (asked["queue"], asked["why"]["queue"]) == ("slow", "the caller says so")
    assert "comes before rules" in asked["rules"][1]["why"]
    news = stem("routing", "explain", "cache.invalidate", "--json").json
    assert (news["broadcast"], news["queue"], news["rule"]) == ("updates", None, 3)
    assert "channel 'updates'" in stem("routing", "explain", "cache.invalidate").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["explain", "a", "--header", "x"], "name=value"),
        (["explain", "a", "--queue", "a b"], "queue name"),
        (["explain", "a", "--priority", "10"], "--priority"),
        (["dump", "--file", "nope.yaml"], "nope.yaml"),
    ],
)
def test_a_wrong_command_is_64_and_one_line(stem: Stem, words: list[str], says: str) -> None:
    ran = stem("routing", *words, "--json")
    assert ran.code == 64
    assert one_line(ran.err)
    assert says in json.dumps(ran.json)
