"""The command line against a real server, in the shapes that scripts rely on."""

from __future__ import annotations

import json
import re

import pytest

from stem_core import RedisStreamsBroker
from stem_core.envelope import Envelope, new_task_id, seal
from tests.cli.conftest import Stem, one_line

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("cluster")]

QUEUE_KEYS = ["name", "ready", "inflight", "delayed", "dead", "oldest_s", "paused", "workers"]


def test_enqueue_needs_no_app_and_gives_the_ids(stem: Stem) -> None:
    ran = stem("enqueue", "a.b", "--args", '{"to": "x"}', "--count", "3", "--queue", "mail", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == ["ids"]
    assert len(set(ran.json["ids"])) == 3
    shown = stem("task", "show", ran.json["ids"][0], "--json").json
    assert {key: shown[key] for key in ("name", "queue", "state", "attempt", "args", "result", "error")} == {
        "name": "a.b",
        "queue": "mail",
        "state": "queued",
        "attempt": 0,
        "args": {"to": "x"},
        "result": None,
        "error": None,
    }


def test_enqueue_delays_and_ranks(stem: Stem) -> None:
    stem("enqueue", "a", "--delay", "1h", "--priority", "9")
    assert [queue["delayed"] for queue in stem("observe", "queues", "--json").json] == [1]


def test_observe_queues_has_exactly_these_keys(stem: Stem) -> None:
    stem("enqueue", "a")
    ran = stem("observe", "queues", "--json")
    assert ran.code == 0
    assert [list(queue) for queue in ran.json] == [QUEUE_KEYS]
    assert ran.json[0]["ready"] == 1
    assert ran.json[0]["paused"] is None
    assert "default" in stem("observe", "queues").out


def test_pause_and_resume_work_without_workers(stem: Stem) -> None:
    stem("enqueue", "a")
    assert stem("worker", "pause", "--queue", "default", "--reason", "disk full", "--for", "30m").code == 0
    paused = stem("observe", "queues", "--json").json[0]["paused"]
    assert list(paused) == ["by", "reason", "since", "until"]
    assert paused["reason"] == "disk full"
    assert paused["until"] == pytest.approx(paused["since"] + 1800, abs=5)
    assert re.search(r"by \S+ until .+: disk full", stem("observe", "queues").out)
    assert stem("worker", "resume", "--queue", "default", "--json").json == {"queues": {"default": None}, "replies": []}
    assert stem("observe", "queues", "--json").json[0]["paused"] is None


def test_a_revoked_task_ends_as_cancelled(stem: Stem) -> None:
    task_id = stem("enqueue", "a", "--json").json["ids"][0]
    assert stem("worker", "revoke", task_id, "--reason", "wrong", "--json").json["tasks"] == {task_id: "cancelled"}
    shown = stem("task", "show", task_id, "--json").json
    assert (shown["state"], shown["reason"]) == ("cancelled", "wrong")


def test_a_revoked_id_that_nothing_is_known_of_is_noted_since_it_may_be_mistyped(stem: Stem) -> None:
    known = stem("enqueue", "a", "--json").json["ids"][0]
    ran = stem("worker", "revoke", known, "mistyped", "--json")
    assert (ran.code, ran.json["tasks"]) == (0, {known: "cancelled", "mistyped": "pending"})
    assert "task mistyped: are the ids right?" in ran.err
    assert one_line(ran.err)
    assert stem("worker", "revoke", known).err == ""


def test_with_no_worker_ping_is_empty_and_well(stem: Stem, cluster: str) -> None:
    ran = stem("worker", "ping", "--json")
    assert (ran.code, ran.json) == (0, [])
    ran = stem("worker", "ping")
    assert (ran.code, ran.out) == (0, f"no live workers in namespace '{cluster}'\n")


@pytest.mark.parametrize("command", ["ping", "stats", "inspect", "drain", "undrain", "shutdown", "status"])
def test_the_silence_of_a_named_worker_is_a_failure(stem: Stem, cluster: str, command: str) -> None:
    ran = stem("worker", command, "--worker", "nobody", "--timeout", "5s", "--json")
    assert ran.code == 70
    assert "nobody" in ran.json["error"]["message"]
    assert cluster in ran.json["error"]["hint"]
    assert one_line(ran.err)


def test_an_unknown_task_is_a_failure(stem: Stem) -> None:
    ran = stem("task", "show", "nobody", "--json")
    assert ran.code == 70
    assert set(ran.json["error"]) == {"message", "hint"}
    assert one_line(ran.err)


def test_health_and_config_show_where_things_are(stem: Stem, cluster: str) -> None:
    health = stem("health", "--json").json
    assert (health["status"], health["namespace"], health["workers"]) == ("ok", cluster, 0)
    assert stem("health").code == 0
    config = stem("config", "--broker", "redis://ann:canary@h:1", "--json")
    assert "canary" not in config.out
    assert config.json["broker_url"] == {"value": "redis://ann:***@h:1", "source": "--broker"}
    assert config.json["namespace"] == {"value": cluster, "source": "STEM_WORKER_NAMESPACE"}
    assert config.json["default_queue"] == {"value": "default", "source": "default"}
    assert "canary" not in stem("config", "--broker", "redis://ann:canary@h:1").out


async def hostile_worker(url: str, namespace: str) -> None:
    async with await RedisStreamsBroker.connect(url, namespace) as broker:
        await broker.announce("\x1b[2Jevil\u202e", b'{"worker":"\\u001b[2Jevil\\u202e","boot":"b"}', 60.0)


async def test_text_from_the_wire_is_harmless(stem: Stem, cluster: str, redis_url: str) -> None:
    await hostile_worker(redis_url, cluster)
    envelope = Envelope(id=new_task_id(), name="\x1b]52;c;x\x07[bold]", args={"a": "\x1b[31m\u202e"})
    async with await RedisStreamsBroker.connect(redis_url, cluster) as broker:
        await broker.publish([seal(envelope)])
    for words in (["observe", "workers"], ["worker", "status"], ["task", "show", envelope.id], ["observe", "queues"]):
        for flags in ([], ["--json"]):
            shown = stem(*words, *flags).out
            assert not set(shown) & set("\x1b\x07\u202e"), words
    assert "[bold]" in stem("task", "show", envelope.id).out


def test_nothing_yet_is_said_so(stem: Stem) -> None:
    assert "no queues" in stem("observe", "queues").out
    assert "no live workers" in stem("observe", "workers").out
    assert stem("observe", "events").out == "no events yet\n"
    assert stem("observe", "events", "--json").json == []
    assert stem("observe", "dlq").out == "no dead letters\n"
    assert json.loads(stem("observe", "workers", "--json").out) == []
