"""A drained store keeps what it kept before: nothing that workers, producers or operators did stays behind in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import apsw
import psycopg
import pytest
import redis
from psycopg import sql

from stem_core.delivery import Outcome, Pause, Revocation
from stem_core.envelope import new_task_id
from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import LEASE, ShiftedClock, publish, settle, stats, take, until
from tests.postgres_server import PostgresServer
from tests.servers import RedisServer

LIFE: Final = 0.05
MARKER_SECONDS: Final = 300.0
"""For so long a publishing call is remembered."""


async def work(broker: Broker, worker: str) -> None:
    """Let everything happen that can happen to jobs, until none is left."""
    await publish(broker, 300)
    await publish(broker, 20, priority=5)
    await publish(broker, 20, delay=LIFE)
    await publish(broker, 10, not_before=await broker.time() + LIFE)
    held = await take(broker, 320, worker)
    await broker.begin(held)
    ended, retried, returned, dead, revoked = held[:100], held[100:180], held[180:220], held[220:260], held[260:300]
    await settle(broker, ended, record_ttl=LIFE)
    await settle(broker, retried[:40], Outcome.RETRY, delay=LIFE)
    await settle(broker, retried[40:], Outcome.RETRY)
    await settle(broker, returned, Outcome.REQUEUE)
    await settle(broker, dead, Outcome.DEAD, reason="failed", error="ValueError", record_ttl=LIFE)
    assert await broker.replay("q", [letter.id for letter in dead[:20]]) == 20
    assert await broker.purge("q", [letter.id for letter in dead[20:]]) == 20
    soon = await broker.time() + LIFE
    ids = [*(delivery.id for delivery in revoked), *(new_task_id() for _ in range(10))]
    await broker.revoke([Revocation(id=task_id, by="ann", until=soon) for task_id in ids], {})
    await settle(broker, revoked, Outcome.REVOKED, record_ttl=LIFE)

    async def drained() -> bool:
        await broker.upkeep(["q"])
        found = await take(broker, 100, worker)
        await settle(broker, found, record_ttl=LIFE)
        figures = await stats(broker)
        return figures.ready + figures.inflight + figures.delayed + figures.dead == 0

    await until(drained)  # the twenty that nobody settled were taken back when their lease ran out


async def stand_by(broker: Broker, worker: str) -> None:
    """Use all that stands beside jobs."""
    await broker.announce(worker, b"{}", 100.0)
    await broker.announce("killed", b"{}", LIFE)
    await broker.pause(["q"], Pause(by="ann", reason="deploy"))
    await broker.resume(["q"])
    await broker.append("reply.1", [b"x"] * 20, ttl=LIFE)
    await broker.lock("left", worker, LIFE)
    await broker.lock("freed", worker, 100.0)
    await broker.unlock("freed", worker)
    await broker.take_token("calls", 1000.0, 1.0)
    await broker.open_group("g", 3, LIFE)
    await broker.add_to_group("g", 1, b"{}")
    await broker.write_document("schedule", "nightly", b"{}")
    await broker.write_document("schedule", "nightly", None)
    await broker.withdraw(worker)
    await broker.presences()


async def come_and_go(url: str, namespace: str, worker: str) -> None:
    """Work, and leave."""
    broker = await connect_broker(url, namespace=namespace, lease=LEASE)
    try:
        await stand_by(broker, worker)
        await work(broker, worker)
        assert await take(broker, 1, worker, wait=0.1) == []  # idle, it waits for what does not come
    finally:
        await broker.close()


async def returns_to(url: str, namespace: str, count: Callable[[], Any], kept: Any) -> None:
    """Have other processes keep the store up, until only that is in it."""
    found = None

    async def so() -> bool:
        nonlocal found
        broker = await connect_broker(url, namespace=namespace)
        try:
            await broker.upkeep(["q"])
            await broker.presences()
        finally:
            await broker.close()
        found = count()
        return bool(found == kept)

    try:
        await until(so)
    except TimeoutError:
        assert found == kept  # says what differs


@pytest.mark.redis
async def test_redis_keeps_empty_streams_and_no_consumer(private_redis: RedisServer, namespace: str) -> None:
    client = redis.Redis.from_url(private_redis.url, decode_responses=True, protocol=2)
    queue, beside = f"{{stem:{namespace}:q}}:", f"{{stem:{namespace}}}:"
    streams = [f"{queue}b0", f"{queue}s0", f"{queue}s5"]

    def count() -> tuple[list[str], list[tuple[int, int, int, int]]]:
        keys = []
        for key in client.scan_iter():
            if key.startswith(f"{queue}marker:"):
                assert 0 < client.pttl(key) <= MARKER_SECONDS * 1000
            else:
                keys.append(key)
        told = []
        for stream in streams:
            groups = client.xinfo_groups(stream)
            told.append((client.xlen(stream), len(groups), groups[0]["consumers"], groups[0]["pending"]))
        return sorted(keys), told

    for number in range(3):
        await come_and_go(private_redis.url, namespace, f"w{number}")
        used = sorted([f"{queue}levels", f"{queue}counters", *streams, f"{beside}queues", f"{beside}lease"])
        await returns_to(private_redis.url, namespace, count, (used, [(0, 1, 0, 0)] * 3))
    client.close()


async def test_sqlite_keeps_no_row_and_no_page(sqlite_file: Path, sqlite_url: str, namespace: str) -> None:
    def ask(question: str) -> Any:
        connection = apsw.Connection(str(sqlite_file), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()

    def count() -> dict[str, int]:
        names = [name for (name,) in ask("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = {name: ask(f"SELECT count(*) FROM {name}")[0][0] for name in names}
        return {name: number for name, number in rows.items() if number}

    used = []
    for number in range(3):
        await come_and_go(sqlite_url, namespace, f"w{number}")
        await returns_to(sqlite_url, namespace, count, {"spaces": 1, "numbers": 1, "queues": 1})
        used.append(ask("PRAGMA page_count")[0][0] - ask("PRAGMA freelist_count")[0][0])
    assert used[2] == used[0]


@pytest.mark.postgres
async def test_postgres_keeps_no_row(postgres_server: PostgresServer, namespace: str) -> None:
    url = f"{postgres_server.url}?schema={namespace}"
    with psycopg.connect(postgres_server.url, autocommit=True) as server:

        def ask(question: sql.SQL | sql.Composed) -> Any:
            return server.execute(question).fetchall()

        def count() -> dict[str, int]:
            aged = sql.SQL("UPDATE {}.markers SET made = made - {}")
            server.execute(aged.format(sql.Identifier(namespace), MARKER_SECONDS + 1))
            tables = sql.SQL("SELECT tablename FROM pg_tables WHERE schemaname = {}").format(namespace)
            rows = {}
            for (name,) in ask(tables):
                ((rows[name],),) = ask(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(namespace, name)))
            assert rows.pop("counters") <= 16
            return {name: number for name, number in rows.items() if number}

        for number in range(3):
            await come_and_go(url, namespace, f"w{number}")
            await returns_to(url, namespace, count, {"namespaces": 1, "queues": 1, "version": 1})


def kept_by(broker: InMemoryBroker) -> dict[str, int]:
    """Return how many of each thing a store in memory keeps."""
    queues = broker._queues.values()
    things = {
        "places": broker._places, "locks": broker._locks, "buckets": broker._buckets, "groups": broker._groups,
        "documents": broker._documents, "presences": broker._presences, "logs": broker._topics._logs,
        "revocations": [each for queue in queues for each in queue.revocations],
        "letters": [each for queue in queues for each in queue._dead],
        "held": [each for queue in queues for each in queue.held],
        "delayed": [each for queue in queues for each in queue._delayed._order],
        "ready": [each for queue in queues for each in queue.waiting(1000)],
        "queues": queues,
    }  # fmt: skip
    return {name: len(kept) for name, kept in things.items() if kept}


async def test_memory_keeps_nothing_but_the_queue_and_as_many_results_as_before(namespace: str) -> None:
    clock = ShiftedClock()
    broker = InMemoryBroker(namespace, clock, LEASE)
    for number in range(3):
        await stand_by(broker, f"w{number}")
        await work(broker, f"w{number}")
        clock.shift += 1.0
        await broker.upkeep(["q"])
        await broker.append("others", [b"x"], LIFE)
        clock.shift += 1.0
        await broker.append("others", [], 0.0)
        assert await broker.presences() == []
        assert kept_by(broker) == {"queues": 1, "logs": 1}
    for _ in range(4):
        await publish(broker, 250)
        await settle(broker, await take(broker, 250), record_ttl=LIFE)
    assert len(broker._results._records) <= 1000, "what has run out is swept as new results come"
