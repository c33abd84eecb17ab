"""Rate limits: how often tasks start, whoever runs them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from stem_core.client import ControlClient
from stem_core.client.rate_limits import write_rate
from stem_core.commands import RateLimit
from stem_core.envelope import Envelope
from stem_core.errors import UsageError
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.tasks import TaskContext
from stem_core.worker.limits import bucket_of
from tests.worker.cluster import Cluster, until
from tests.worker.processes import Processes


def most_in_a_second(starts: Sequence[float]) -> int:
    """Return how many starts the busiest second saw."""
    return max(sum(first <= each < first + 1.0 for each in starts) for first in starts)


async def test_two_workers_share_a_limit_and_all_jobs_run(cluster: Cluster) -> None:
    starts: list[float] = []
    runs: list[tuple[int, int]] = []

    def note(context: TaskContext) -> None:
        starts.append(time.monotonic())
        runs.append((context.attempt, context.deliveries))

    cluster.task("limited", note, rate_limit="10/s")
    ids = [await cluster.send("limited") for _ in range(35)]
    await cluster.worker()
    await cluster.worker()
    for task_id in ids:
        assert (await cluster.ended(task_id, 20)).state is TaskState.SUCCEEDED
    assert len(starts) == 35
    # A burst of one second's worth, what flows in meanwhile, and what a busy machine noted late.
    assert most_in_a_second(starts) <= 10 + 10 + 4
    assert max(starts) - min(starts) >= 2.0
    assert set(runs) == {(0, 1)}, "waiting for a token is no attempt and no delivery"


async def test_each_job_asks_for_its_token_about_twice_however_many_workers_there_are(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    take_token = cluster.broker.take_token

    async def counted(bucket: str, rate: float, burst: float, line: float = 0.0) -> float:
        nonlocal asked
        asked += 1
        return await take_token(bucket, rate, burst, line)

    monkeypatch.setattr(cluster.broker, "take_token", counted)
    cluster.task("limited", lambda: None, rate_limit="20/s")
    ids = [await cluster.send("limited") for _ in range(70)]
    for _ in range(5):
        await cluster.worker()
    for task_id in ids:
        await cluster.ended(task_id, 20)
    assert 70 <= asked <= 70 * 2 + 15  # a busy machine comes after the tokens


@pytest.mark.process
@pytest.mark.timeout(120)
async def test_workers_that_are_killed_at_random_never_start_more_than_the_limit_allows(
    store_url: str, namespace: str, tmp_path: Path
) -> None:
    processes = Processes(store_url, namespace, tmp_path)
    cluster = Cluster(await connect_broker(store_url, namespace=namespace, lease=1.0))
    chance = random.Random()
    try:
        await write_rate(cluster.broker, "work", "20/s")
        ids = [await cluster.send("work", {"seconds": 0.01}) for _ in range(100)]
        living = [processes.start(f"k{number}") for number in range(3)]
        for number in range(3, 9):
            await until(lambda number=number: len(processes.lines("start")) >= 12 * (number - 2), within=30)
            victim = living.pop(chance.randrange(len(living)))
            victim.kill()
            victim.wait(10)
            living.append(processes.start(f"k{number}"))
        for task_id in ids:
            assert (await cluster.ended(task_id, 30)).state is TaskState.SUCCEEDED
    finally:
        processes.close()
        await cluster.close()
    starts = [float(row[3]) for row in processes.rows("start")]
    # A burst of a second's worth, what flows in meanwhile, and what a busy machine noted late.
    assert most_in_a_second(starts) <= 20 + 20 + 4


async def test_a_limited_task_holds_no_slot_while_it_waits(cluster: Cluster) -> None:
    cluster.task("limited", lambda: None, rate_limit="2/h")
    cluster.task("free", lambda: "ran")
    for _ in range(6):
        await cluster.send("limited")
    free = await cluster.send("free")
    await cluster.worker(concurrency=1)
    assert (await cluster.ended(free)).result == "ran"
    await until(lambda: figures(cluster, (1, 5)))


async def figures(cluster: Cluster, wanted: tuple[int, int]) -> bool:
    stats = (await cluster.broker.stats(["default"]))[0]
    return (stats.succeeded - 1, stats.delayed) == wanted and (stats.retried, stats.ready) == (0, 0)


async def test_those_sent_away_get_turns_one_after_the_other(memory: Cluster) -> None:
    memory.task("limited", lambda: None, rate_limit="6/m")
    for _ in range(5):
        await memory.send("limited")
    await memory.worker(concurrency=1, prefetch_multiplier=8)

    async def delayed() -> list[float]:
        places = await memory.broker.waiting("default", 10)
        due = [place.due for place in places if place.due is not None]
        return due if len(due) == 4 else []

    due = await until(delayed)
    gaps = [later - earlier for earlier, later in pairwise(due)]
    assert gaps == pytest.approx([10.0] * 3, abs=1.0)


async def test_each_value_of_the_key_has_a_limit_of_its_own(cluster: Cluster) -> None:
    cluster.task("keyed", lambda tenant="": tenant, rate_limit="1/h", rate_key="tenant")
    ids = [await cluster.send("keyed", {"tenant": tenant}) for tenant in ("a", "b", "a", "b", "a{}")]
    by_header = await cluster.send("keyed", headers={"tenant": "c"})
    alone = await cluster.send("keyed")
    await cluster.worker(concurrency=1)  # of two slots, the later job's may be the first to get the token
    ended = [await cluster.ended(each) for each in (ids[0], ids[1], ids[4], by_header, alone)]
    assert [status.result for status in ended] == ["a", "b", "a{}", "", ""]
    places = await cluster.broker.locate([ids[2], ids[3]])
    assert [place is not None for place in places] == [True, True]


def test_a_bucket_is_named_after_the_task_and_its_keys_value() -> None:
    envelope = Envelope(id="i", name="t", args={"a": "x", "n": 3, "long": "y" * 500}, headers={"h": "z"})
    assert [bucket_of(envelope, key) for key in (None, "a", "h", "n", "missing")] == ["t", "t:x", "t:z", "t:3", "t"]
    assert len(bucket_of(envelope, "long")) == 64


async def test_a_limit_can_be_set_lifted_and_taken_back_while_workers_run(cluster: Cluster) -> None:
    cluster.task("plain", lambda: None)
    worker = await cluster.worker(concurrency=1)
    control = ControlClient(cluster.broker, issuer="test")
    answer = await control.rate_limit("plain", "1/h")
    assert [(each.reply.status, each.reply.payload) for each in answer.replies] == [
        ("ok", {"task": "plain", "rate": "1/h"})
    ]
    first = await cluster.send("plain")
    await cluster.ended(first)
    second = await cluster.send("plain")
    await until(lambda: waits(cluster, second))
    assert (await control.rate_limit("plain", None)).replies[0].reply.payload["rate"] == "none"
    await cluster.ended(await cluster.send("plain"))
    (told,) = (await control.inspect()).replies
    assert told.reply.payload["rates"] == {"plain": "none"}
    assert (await control.rate_limit("plain", "default")).replies[0].reply.payload["rate"] == "default"
    assert await cluster.broker.documents("rate-limit") == []
    await worker.shutdown()


async def waits(cluster: Cluster, task_id: str) -> bool:
    place = (await cluster.broker.locate([task_id]))[0]
    return place is not None and place.where == "delayed"


async def test_a_limit_set_before_a_worker_started_holds_for_it_and_beats_the_option(cluster: Cluster) -> None:
    cluster.task("limited", lambda: None, rate_limit="1/h")
    await cluster.broker.write_document("rate-limit", "limited", b'{"rate":null}')
    await cluster.broker.write_document("rate-limit", "junk", b"\xff")
    await cluster.worker()
    for task_id in [await cluster.send("limited") for _ in range(5)]:
        await cluster.ended(task_id)


async def test_a_wrong_rate_is_refused_before_anything_is_told(memory: Cluster) -> None:
    with pytest.raises(UsageError, match="fast") as caught:
        await ControlClient(memory.broker, issuer="test").rate_limit("plain", "fast")
    assert "none, or default" in str(caught.value.hint)
    assert await memory.broker.documents("rate-limit") == []


async def test_a_job_that_is_sent_away_again_and_again_expires_like_any_other(memory: Cluster) -> None:
    memory.task("limited", lambda: None, rate_limit="60/m", expires=0.9)
    await memory.worker(concurrency=1)
    ids = [await memory.send("limited", enqueued_at=time.time()) for _ in range(3)]
    states = await asyncio.gather(*(memory.ended(each) for each in ids))
    assert sorted(status.reason for status in states) == ["", "expired", "expired"]


async def test_who_asks_for_the_order_alone_is_told_what_holds(memory: Cluster) -> None:
    await memory.worker()
    reply = (await memory.command(RateLimit("plain")))[0]
    assert reply.payload == {"task": "plain", "rate": "default"}


async def test_a_worker_that_missed_the_command_learns_of_the_limit_all_the_same(
    memory: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stem_core.worker.limits.RELOAD", 0.02)
    memory.task("plain", lambda: None)
    await memory.worker()
    await memory.broker.write_document("rate-limit", "plain", b'{"rate":"1/h"}')

    ids: list[str] = []

    async def is_limited() -> bool:
        ids.append(await memory.send("plain"))
        return any([await waits(memory, each) for each in ids])

    await until(is_limited)
