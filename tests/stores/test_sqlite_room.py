"""A SQLite store that has no room left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from stem_core.delivery import Settled
from stem_core.errors import BrokerFullError
from stem_core.states import TaskState
from stem_core.stores.port import Broker
from stem_core.stores.sqlite import SqliteBroker
from stem_core.testing.contract.harness import job, publish, settle, stats, take
from tests.stores.small_disk import small_file_system
from tests.stores.sqlite_files import audit
from tests.worker.cluster import Cluster, until


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    with small_file_system(tmp_path / "disk", 16) as folder:
        yield folder


async def fill(broker: Broker) -> None:
    for _ in range(2000):
        large = [type(one)(one.id, one.queue, 0, one.body + b" " * 10_000) for one in (job() for _ in range(10))]
        await broker.publish(large)


async def test_a_file_that_may_not_grow_refuses_new_work_and_drains(sqlite_file: Path, sqlite_url: str) -> None:
    async with await SqliteBroker.connect(sqlite_url) as broker:
        await broker._store.write(lambda transaction: transaction.rows("PRAGMA max_page_count = 500"))
        with pytest.raises(BrokerFullError):
            await fill(broker)
        before = (await stats(broker)).ready
        assert before > 0
        drained = 0
        while held := await take(broker, 50):
            await asyncio.to_thread(broker.renew, held)
            assert set(await settle(broker, held)) == {Settled.COMMITTED}
            drained += len(held)
        assert drained == before
    audit(sqlite_file)


async def test_one_call_without_room_spoils_no_other(sqlite_url: str) -> None:
    async with await SqliteBroker.connect(sqlite_url) as broker:
        await publish(broker, 3)
        held = await take(broker, 1)
        await broker._store.write(lambda transaction: transaction.rows("PRAGMA max_page_count = 100"))
        large = type(job())("large", "q", 0, b" " * 1_000_000)
        together = await asyncio.gather(
            settle(broker, held, record=None), broker.publish([large]), take(broker, 1), return_exceptions=True
        )
        assert together[0] == [Settled.COMMITTED]
        assert isinstance(together[1], BrokerFullError)
        assert isinstance(together[2], list)
        assert len(together[2]) == 1


async def test_new_work_is_refused_while_there_is_room_to_finish_the_old(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await SqliteBroker.connect(sqlite_url) as broker:
        await publish(broker, 2)
        with monkeypatch.context() as nearly_full:
            nearly_full.setattr("stem_core.stores.sqlite.room.free_bytes", lambda _: 1_000_000)
            with pytest.raises(BrokerFullError, match="KiB left"):
                await publish(broker)
            assert await settle(broker, await take(broker)) == [Settled.COMMITTED] * 2
        await publish(broker)


async def test_a_worker_on_a_full_disk_drains_and_waits_and_resumes_with_room(small_disk: Path, namespace: str) -> None:
    cluster = Cluster(await SqliteBroker.connect(f"sqlite://{small_disk}/stem.db", namespace))
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()

    cluster.task("work", work)
    worker = await cluster.worker()
    held = await cluster.send("work")
    await until(lambda: worker.snapshot().active)
    with pytest.raises(BrokerFullError):
        await fill(cluster.broker)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(32 * 1024 * 1024))
    with pytest.raises(BrokerFullError):
        await cluster.send("work")
    go.set()
    await until(lambda: not worker.snapshot().active)
    ballast.unlink()
    assert (await cluster.ended(held)).state is TaskState.SUCCEEDED
    assert (await cluster.broker.stats(["q"]))[0].ready > 0
    await cluster.close()
    audit(small_disk / "stem.db")
