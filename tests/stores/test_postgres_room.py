"""A Postgres whose disk is full."""

from __future__ import annotations

import asyncio
import pwd
from collections.abc import Iterator

import psycopg
import pytest

from stem_core.delivery import Settled
from stem_core.errors import BrokerFullError
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.testing.contract.harness import conserved, publish, settle, stats, take
from tests.postgres_server import PostgresServer
from tests.stores.small_disk import small_file_system
from tests.worker.cluster import Cluster, until

pytestmark = pytest.mark.postgres

_FILL = "INSERT INTO filler SELECT repeat('x', 1900) FROM generate_series(1, %s)"


@pytest.fixture
def small_postgres(private_postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server whose new tables lie on a disk of 8 MiB; its log of writes lies elsewhere, else it would stop."""
    folder = private_postgres.data.parent / "small"
    with small_file_system(folder, 8, pwd.getpwnam("nobody").pw_uid):
        run(private_postgres, f"CREATE TABLESPACE small LOCATION '{folder}'")
        run(private_postgres, "ALTER DATABASE postgres SET default_tablespace = small")
        yield private_postgres
        private_postgres.kill()


def run(server: PostgresServer, statement: str, *parameters: int) -> None:
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(statement, parameters or None)  # type: ignore[arg-type]  # the tests' own words


def fill(server: PostgresServer) -> None:
    """Leave no room on the disk."""
    run(server, "CREATE TABLE filler (data text)")
    for rows in (400, 40, 4):
        with pytest.raises(psycopg.errors.DiskFull):
            fill_by(server, rows)


def fill_by(server: PostgresServer, rows: int) -> None:
    while True:
        run(server, _FILL, rows)


async def publish_until_full(broker: object) -> None:
    while True:
        await publish(broker, 50)  # type: ignore[arg-type]  # a broker


async def test_a_full_disk_refuses_work_and_loses_none(small_postgres: PostgresServer, namespace: str) -> None:
    async with await connect_broker(small_postgres.url, namespace=namespace) as broker:
        await publish(broker, 100)
        held = await take(broker, 50)
        await asyncio.to_thread(fill, small_postgres)
        with pytest.raises(BrokerFullError, match="no room left") as caught:
            await publish_until_full(broker)
        assert "No space left on device" in str(caught.value)
        before = await stats(broker)
        assert conserved(before)
        run(small_postgres, "DROP TABLE filler")
        await publish(broker, 10)
        assert await settle(broker, held) == [Settled.COMMITTED] * 50
        assert await settle(broker, rest := await take(broker, 10_000)) == [Settled.COMMITTED] * len(rest)
        after = await stats(broker)
        assert after.succeeded == after.published == before.published + 10


async def test_a_worker_keeps_what_it_cannot_store_until_there_is_room(
    small_postgres: PostgresServer, namespace: str
) -> None:
    cluster = Cluster(await connect_broker(small_postgres.url, namespace=namespace, lease=5.0))
    go = asyncio.Event()

    async def work(n: int) -> str:
        await go.wait()
        return f"{n}" * 50_000  # larger than what room any page has left

    cluster.task("work", work)
    worker = await cluster.worker(concurrency=4)
    ids = [await cluster.send("work", {"n": n}) for n in range(4)]
    await until(lambda: worker.snapshot().active == 4)
    await asyncio.to_thread(fill, small_postgres)
    go.set()
    await until(lambda: worker.snapshot().active == 0)
    assert await cluster.broker.results().get(ids) == [None] * 4
    assert worker.snapshot().succeeded == 0
    run(small_postgres, "DROP TABLE filler")
    statuses = [await cluster.ended(each) for each in ids]
    assert [(status.state, status.attempt) for status in statuses] == [(TaskState.SUCCEEDED, 0)] * 4
    assert worker.snapshot().succeeded == 4
    await cluster.close()
