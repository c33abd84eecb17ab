"""What a SQLite store keeps, for how long, and at what cost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from stem_core.delivery import Outcome
from stem_core.stores.port import KeptRecord
from stem_core.stores.sqlite import SqliteBroker, SqliteResultBackend, jobs, keeping_up, kept, operations, topics
from stem_core.stores.sqlite.transaction import Transaction
from stem_core.testing.contract.harness import DEADLINE, publish, settle, stats, take, until
from tests.stores.sqlite_files import audit


def rows(path: Path, table: str) -> int:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").get)
    finally:
        connection.close()


async def swept(broker: SqliteBroker) -> None:
    """Have upkeep look for old things now, and not only once a second."""
    broker._sweep_at = 0.0
    await broker.upkeep(["q"])


async def test_a_drained_queue_leaves_nothing_behind_and_the_file_shrinks(sqlite_file: Path, sqlite_url: str) -> None:
    async with await SqliteBroker.connect(sqlite_url) as broker:
        for _ in range(60):
            await publish(broker, 1000)
        await broker._store.write(lambda transaction: transaction.rows("SELECT 1"))
        while held := await take(broker, 1000):
            await broker.begin(held[:1])
            await settle(broker, held, record=None)
        pages = await broker._store.read(lambda transaction: transaction.value("PRAGMA page_count"))

        async def small() -> bool:
            await swept(broker)
            now = await broker._store.read(lambda transaction: transaction.value("PRAGMA page_count"))
            return bool(now <= 1100 < pages)

        await until(small)
    assert sqlite_file.stat().st_size < 5_000_000
    assert {name: rows(sqlite_file, name) for name in ("jobs", "ready", "delayed", "held", "results")} == {
        "jobs": 0, "ready": 0, "delayed": 0, "held": 0, "results": 0,
    }  # fmt: skip
    audit(sqlite_file)


async def test_what_has_run_out_is_removed(sqlite_file: Path, sqlite_url: str) -> None:
    async with await SqliteBroker.connect(sqlite_url) as broker:
        await broker.append("reply.1", [b"x"] * 1500, ttl=0.05)
        await broker.announce("w1", b"", 0.05)
        await publish(broker, 1500)
        await settle(broker, await take(broker, 1500), record_ttl=0.05)
        await asyncio.sleep(0.06)
        async with asyncio.timeout(DEADLINE):
            while any(rows(sqlite_file, name) for name in ("entries", "topics", "presences", "results")):
                await swept(broker)


async def test_a_file_of_results_alone_is_swept_by_those_who_put(sqlite_file: Path, sqlite_url: str) -> None:
    async with await SqliteResultBackend.connect(sqlite_url) as results:
        await results.put([KeptRecord(f"t{number}", "q", b"{}", 0.01, 1) for number in range(50)])
        await asyncio.sleep(0.02)
        for number in range(30):
            await results.put([KeptRecord(f"u{number}", "q", b"{}", 100.0, 1)])
        assert rows(sqlite_file, "results") == 30


async def test_the_age_of_the_oldest_is_found_in_any_lane(sqlite_url: str) -> None:
    async with await SqliteBroker.connect(sqlite_url) as broker:
        await publish(broker, priority=3)
        await asyncio.sleep(0.1)
        await publish(broker, 3, priority=9)
        oldest = (await stats(broker)).oldest_s
        assert oldest is not None
        assert oldest >= 0.1


async def test_jobs_that_were_handed_back_have_their_old_places(sqlite_url: str) -> None:
    async with await SqliteBroker.connect(sqlite_url) as broker:
        ids = await publish(broker, 6)
        held = await take(broker, 4)
        await settle(broker, [held[2]], Outcome.REQUEUE)
        await settle(broker, [held[0]], Outcome.REQUEUE)
        assert [delivery.id for delivery in await take(broker)] == [ids[0], ids[2], ids[4], ids[5]]


@pytest.mark.parametrize(
    ("sql", "bindings"),
    [
        (jobs._NEXT, (1, 0, 9, 100)),
        (keeping_up._CLOCKS, (1, '["q"]')),
        (keeping_up._DUE, (1, 0.0, 1)),
        (keeping_up._OLD, (0.0,)),
        (operations._OLDEST, (1,)),
        (operations._LOCATE, (1, "a")),
        (operations._LETTERS, (1, 5, 5)),
        (kept._LIST, (1, 0, 5, 0.0, 5)),
        (topics._ENTRIES_OF, (1, "t", 0.0, 5, 5)),
    ],
)
async def test_no_question_that_is_asked_often_reads_a_whole_table_or_sorts_it(
    sqlite_url: str, sql: str, bindings: tuple[object, ...]
) -> None:
    def plan(transaction: Transaction) -> list[str]:
        return [row[3] for row in transaction.rows(f"EXPLAIN QUERY PLAN {sql}", bindings)]  # type: ignore[arg-type]

    async with await SqliteBroker.connect(sqlite_url) as broker:
        steps = await broker._store.read(plan)
    costly = [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    allowed = {"SCAN CONSTANT ROW", "SCAN revocations", "SCAN presences", "SCAN topics"}
    assert set(costly) <= allowed
    assert not any("TEMP B-TREE" in step for step in steps)
