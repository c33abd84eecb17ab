"""The command line signs like everyone else, and shows no secrets."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from stem_core.config import StemConfig
from stem_core.delivery import Outcome, Settlement, Subscription
from stem_core.stores import connect_broker
from tests.cli.conftest import Stem, Workers, until

pytestmark = [pytest.mark.redis, pytest.mark.process]

KEY = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OTHER = "k1:YW5vdGhlciBzZWNyZXQgb2YgdGhlIHNhbWUgbGVuZ3Ro"
CANARY = "canary-7f3a"
ARGS = json.dumps({"to": "ann", "password": CANARY, "deep": [{"api_key": CANARY}], "url": f"redis://u:{CANARY}@h"})


def test_what_is_signed_by_the_command_line_is_run_and_obeyed(
    stem: Stem, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEM_SIGNING_KEYS", KEY)
    workers.start("w1")
    (good,) = stem("enqueue", "add", "--args", '{"x": 2, "y": 3}', "--json").json["ids"]
    until(lambda: stem("task", "show", good, "--json").json["state"] == "succeeded")
    assert [reply["status"] for reply in stem("worker", "ping", "--json").json] == ["ok"]

    monkeypatch.setenv("STEM_SIGNING_KEYS", OTHER)
    (forged,) = stem("enqueue", "add", "--args", '{"x": 2}', "--json").json["ids"]
    until(lambda: stem("task", "show", forged, "--json").json["state"] == "failed")
    assert stem("task", "show", forged, "--json").json["reason"] == "signature-invalid"
    (reply,) = stem("worker", "shutdown", "--json").json["replies"]
    assert (reply["status"], "signature-invalid" in reply["error"]) == ("refused", True)

    monkeypatch.delenv("STEM_SIGNING_KEYS")
    (unsigned,) = stem("enqueue", "add", "--args", '{"x": 2}', "--json").json["ids"]
    until(lambda: stem("task", "show", unsigned, "--json").json["state"] == "failed")
    assert stem("dlq", "show", unsigned, "--json").json["reason"] == "signature-missing"
    (reply,) = stem("worker", "drain", "--json").json["replies"]
    assert reply["status"] == "refused"
    assert workers.started["w1"].poll() is None

    monkeypatch.setenv("STEM_SIGNING_KEYS", KEY)
    (reply,) = stem("worker", "stats", "--json").json
    assert reply["snapshot"]["refused"] == 4
    health = stem("health", "--json").json
    assert health["signing"] == {"algorithm": "hmac-sha256", "active_key": "k1"}
    until(lambda: stem("health", "--json").json["refused"] == 4)


def test_a_key_that_cannot_be_used_is_told_without_it(
    stem: Stem, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert StemConfig.from_environment().namespace == cluster
    monkeypatch.setenv("STEM_SIGNING_KEYS", CANARY)
    for words in (("enqueue", "add"), ("worker", "ping"), ("health",), ("config",)):
        ran = stem(*words)
        assert ran.code == 64
        assert "STEM_SIGNING_KEYS" in ran.err
        assert CANARY not in ran.err + ran.out


def test_the_settings_show_ids_of_keys_only(stem: Stem, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert StemConfig.from_environment().namespace == cluster
    monkeypatch.setenv("STEM_SIGNING_KEYS", KEY)
    ran = stem("config", "--json")
    assert ran.json["signing_keys"] == {"value": ["k1"], "source": "STEM_SIGNING_KEYS"}
    assert KEY.partition(":")[2] not in ran.out + stem("config").out


def test_secret_arguments_are_hidden_unless_they_are_asked_for(stem: Stem, cluster: str) -> None:
    (task_id,) = stem("enqueue", "x", "--args", ARGS, "--json").json["ids"]
    with ThreadPoolExecutor(1) as thread:  # pytest-asyncio keeps an event loop in this one
        thread.submit(asyncio.run, kill(cluster)).result()
    for words in (("task", "show", task_id), ("task", "list"), ("dlq", "list"), ("dlq", "show", task_id)):
        for ran in (stem(*words), stem(*words, "--json")):
            assert ran.code == 0
            assert CANARY not in ran.out + ran.err, words
    for words in (("task", "show", task_id, "--reveal"), ("dlq", "show", task_id, "--reveal")):
        assert stem(*words, "--json").json["args"]["password"] == CANARY
        assert CANARY in stem(*words).out
    assert stem("task", "show", task_id, "--json").json["args"]["to"] == "ann"


async def kill(namespace: str) -> None:
    """Make the one job that waits a dead letter."""
    broker = await connect_broker(StemConfig.from_environment().broker_url, namespace=namespace)
    (delivery,) = await broker.fetch(Subscription(owner="w/b", queues=("default",)), 1, 5.0)
    record = b'{"state":"failed","envelope":' + delivery.body + b"}"
    await broker.settle([Settlement(delivery=delivery, outcome=Outcome.DEAD, record=record, reason="test")])
    await broker.close()


def test_arguments_may_come_by_stdin_so_that_ps_does_not_show_them(
    stem: Stem, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert StemConfig.from_environment().namespace == cluster
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"to": "ann"}'))
    (task_id,) = stem("enqueue", "x", "--args", "-", "--json").json["ids"]
    assert stem("task", "show", task_id, "--json").json["args"] == {"to": "ann"}


@pytest.mark.parametrize(
    "place", ["redis://ann:{}@127.0.0.1:1", "redis://127.0.0.1:1?password={}", "nothing://u:{}@h", "{}@h"]
)
@pytest.mark.parametrize("flag", ["--broker", "--backend"])
def test_no_error_shows_the_password_of_an_address(stem: Stem, cluster: str, place: str, flag: str) -> None:
    assert StemConfig.from_environment().namespace == cluster
    url = place.format(CANARY)
    for words in (("health",), ("enqueue", "x"), ("worker", "ping"), ("observe", "queues"), ("task", "show", "1")):
        for ran in (stem(*words, flag, url), stem(*words, flag, url, "--json")):
            assert CANARY not in ran.out + ran.err, words
    assert CANARY not in stem("config", flag, url).out
