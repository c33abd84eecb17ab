"""`stem dlq` and `stem task list` against a real server, in the shapes that scripts rely on."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from stem_core.delivery import Outcome
from stem_core.stores import connect_broker
from stem_core.testing.contract.harness import settle, take
from tests.cli.conftest import Stem, one_line

pytestmark = [pytest.mark.redis, pytest.mark.usefixtures("cluster")]


@pytest.fixture
def dead(stem: Stem, cluster: str, redis_url: str) -> list[str]:
    """Ids of three dead letters, two of them of task `mail`."""
    ids = stem("enqueue", "mail", "--args", '{"to": "x"}', "--count", "2", "--json").json["ids"]
    ids += stem("enqueue", "tidy", "--json").json["ids"]

    async def kill() -> None:
        broker = await connect_broker(redis_url, namespace=cluster)
        deliveries = await take(broker, queues=("default",))
        await settle(broker, deliveries, Outcome.DEAD, reason="poison", error="Boom: \x1b[2J")
        await broker.close()

    # In a thread of its own, since asyncio.run takes away the event loop that pytest-asyncio keeps in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, kill()).result()
    return list(ids)


def test_the_list_is_paged(stem: Stem, dead: list[str]) -> None:
    first = stem("dlq", "list", "--limit", "2", "--json").json
    second = stem("dlq", "list", "--limit", "2", "--cursor", first["cursor"], "--json").json
    assert {letter["id"] for letter in first["letters"] + second["letters"]} == {*dead}
    assert second["cursor"] is None
    assert list(first["letters"][0]) == [
        "id", "queue", "name", "reason", "error", "attempt", "deliveries", "died_at", "args",
    ]  # fmt: skip
    shown = stem("dlq", "list")
    assert "poison" in shown.out
    assert "\x1b" not in shown.out


def test_letters_are_counted_by_cause(stem: Stem, dead: list[str]) -> None:
    mails, tidies = stem("dlq", "causes", "--json").json
    assert list(mails) == ["count", "name", "reason", "error", "first_at", "last_at", "last_id"]
    assert (mails["count"], mails["name"], mails["reason"]) == (2, "mail", "poison")
    assert mails["last_id"] in dead[:2]
    assert mails["first_at"] <= mails["last_at"]
    assert (tidies["count"], tidies["last_id"]) == (1, dead[2])
    assert [each["name"] for each in stem("dlq", "causes", "--task", "tidy", "--json").json] == ["tidy"]
    shown = stem("dlq", "causes").out
    assert "\x1b" not in shown
    assert " 2  mail " in shown


def test_one_letter_is_shown_whole(stem: Stem, dead: list[str]) -> None:
    letter = stem("dlq", "show", dead[0], "--json").json
    assert (letter["name"], letter["args"], letter["reason"]) == ("mail", {"to": "x"}, "poison")
    assert '{"to": "x"}' in stem("dlq", "show", dead[0]).out
    ran = stem("dlq", "show", "nobody", "--json")
    assert ran.code == 70
    assert one_line(ran.err)


def test_a_trial_changes_nothing(stem: Stem, dead: list[str]) -> None:
    trial = stem("dlq", "replay", "--task", "mail", "--dry-run", "--json").json
    assert (trial["replayed"], trial["would_be"], {*trial["ids"]}) == (0, 2, {*dead[:2]})
    assert "2 dead letters of default would be replayed" in stem("dlq", "replay", "--task", "mail", "--dry-run").out
    assert stem("observe", "queues", "--json").json[0]["dead"] == 3


def test_replay_and_purge_say_how_many(stem: Stem, dead: list[str]) -> None:
    assert stem("dlq", "replay", "--task", "m?il", "--yes", "--json").json == {"replayed": 2}
    assert stem("task", "show", dead[0], "--json").json["state"] == "queued"
    assert stem("dlq", "purge", dead[2], "--yes").out == "1 dead letter purged\n"
    queue = stem("observe", "queues", "--json").json[0]
    assert (queue["ready"], queue["dead"]) == (2, 0)


def test_all_must_be_asked_for(stem: Stem, dead: list[str]) -> None:
    ran = stem("dlq", "purge", "--yes")
    assert ran.code == 64
    assert "--all" in ran.err
    assert stem("dlq", "purge", "--all", "--yes", "--json").json == {"purged": len(dead)}


def test_without_a_terminal_the_question_must_be_answered_beforehand(stem: Stem, dead: list[str]) -> None:
    ran = stem("dlq", "purge", dead[0])
    assert ran.code == 64
    assert "--yes" in ran.err
    assert stem("observe", "dlq", "--json").json[0]["queue"] == "default"


@pytest.mark.usefixtures("dead")
def test_ended_and_waiting_tasks_are_listed(stem: Stem) -> None:
    waiting = stem("enqueue", "later", "--delay", "1h", "--json").json["ids"][0]
    listed = stem("task", "list", "--json").json
    assert {(each["id"], each["state"]) for each in listed["tasks"]} >= {(waiting, "queued")}
    assert listed["cursor"] is None
    assert [each["id"] for each in stem("task", "list", "--task", "lat*", "--json").json["tasks"]] == [waiting]
    assert "later" in stem("task", "list").out
    assert stem("task", "list", "--state", "no").code == 64
