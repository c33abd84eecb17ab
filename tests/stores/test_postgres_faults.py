"""What holds when Postgres fails, beside what every server is held to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Final

import psycopg
import pytest

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery, Outcome, Settled
from stem_core.errors import BrokerError, BrokerUnavailableError, StemError
from stem_core.events import EVENTS_TOPIC
from stem_core.stores.port import FROM_NOW, FROM_START, Broker
from stem_core.stores.postgres import PostgresBroker
from stem_core.testing.contract.harness import DEADLINE, conserved, outcome, publish, settle, stats, take, until
from tests.postgres_server import PostgresServer
from tests.worker.cluster import until as until_true

pytestmark = pytest.mark.postgres

_EMPTIED: Final = ("jobs", "records", "letters", "workers", "topics", "entries", "revocations", "markers")


@pytest.fixture
async def broker(private_postgres: PostgresServer) -> AsyncIterator[Broker]:
    async with await PostgresBroker.connect(private_postgres.url, lease=0.3) as broker:
        yield broker


@pytest.fixture
async def own(postgres_server: PostgresServer, namespace: str) -> AsyncIterator[PostgresBroker]:
    """A broker on the server that all tests share."""
    async with await PostgresBroker.connect(postgres_server.url, namespace) as broker:
        yield broker


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who waits for work or news hear of it or not: it does not look once a second."""
    for module in ("queues", "topics"):
        monkeypatch.setattr(f"stem_core.stores.postgres.{module}._POLL", 3600.0)


def ask(server: PostgresServer, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url, autocommit=True) as admin:
        cursor = admin.execute(statement)  # type: ignore[arg-type]  # the tests' own words
        return cursor.fetchall() if cursor.description else []


async def test_settling_while_the_server_is_killed_commits_each_job_once(
    broker: Broker, private_postgres: PostgresServer
) -> None:
    ids = await publish(broker, 600)
    committed = Counter[str]()
    down = asyncio.Event()

    async def persist(action: Callable[[], object]) -> object:
        while True:
            try:
                return await action()  # type: ignore[misc]  # they are all asynchronous
            except BrokerUnavailableError:
                await asyncio.sleep(0.02)

    async def work(owner: str) -> None:
        while (await persist(lambda: stats(broker))).succeeded < 600:  # type: ignore[attr-defined]  # figures
            await persist(lambda: broker.upkeep(["q"]))
            held = await persist(lambda: take(broker, 10, owner, wait=0.05))
            outcomes = [outcome(delivery) for delivery in held]  # type: ignore[attr-defined]  # deliveries
            answers = await persist(lambda: broker.settle(outcomes))  # noqa: B023 - awaited in this round
            for one, answer in zip(outcomes, answers, strict=True):  # type: ignore[call-overload]  # answers
                committed[one.delivery.id] += answer is not Settled.FENCED
            if len(committed) > 150:
                down.set()

    workers = [asyncio.ensure_future(work(f"w{number}")) for number in range(3)]
    await down.wait()
    await asyncio.to_thread(private_postgres.restart)
    async with asyncio.timeout(30.0):
        await asyncio.gather(*workers)
    figures = await stats(broker)
    assert figures.succeeded == 600
    assert conserved(figures)
    assert set(committed) == set(ids)
    assert all(await broker.results().get(ids))


async def test_what_a_cancelled_call_sent_takes_effect_before_it_returns(
    own: PostgresBroker, postgres_server: PostgresServer
) -> None:
    await own.ping()
    async with await psycopg.AsyncConnection.connect(postgres_server.url) as blocking:
        await blocking.execute("LOCK TABLE stem.workers IN EXCLUSIVE MODE")
        call = asyncio.ensure_future(own.announce("w1", b"", 10.0))
        blocked = f"SELECT 1 FROM pg_locks WHERE {blocking.info.backend_pid} = ANY(pg_blocking_pids(pid))"
        await until_true(lambda: asyncio.to_thread(ask, postgres_server, blocked), "the call to be there")
        call.cancel()
        await asyncio.sleep(0.1)
        assert not call.done()
    await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()
    assert [seen.worker for seen in await own.presences()] == ["w1"]
    await own.withdraw("w1")
    assert await own.presences() == []


async def test_without_hints_work_and_news_are_found_by_looking(
    own: PostgresBroker, postgres_server: PostgresServer
) -> None:
    async with await PostgresBroker.connect(postgres_server.url, own.namespace) as mute:
        mute._hints.give = lambda _: None  # type: ignore[method-assign]  # what is told is lost
        working = asyncio.ensure_future(take(own, wait=10.0))
        reading = asyncio.ensure_future(own.read({"t": FROM_NOW}, 10, 10.0))
        await asyncio.sleep(0.1)
        await publish(mute)
        await mute.append("t", [b"x"])
        async with asyncio.timeout(DEADLINE / 2):
            assert len(await working) == len(await reading) == 1


async def listen(session: psycopg.AsyncConnection, channel: str) -> None:
    """Listen as a store does: with the lock that says so."""
    await session.execute(f'LISTEN "{channel}"')  # type: ignore[arg-type]  # a channel's name
    await session.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))", [channel])


async def test_nothing_is_told_where_nobody_listens(own: PostgresBroker, postgres_server: PostgresServer) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_server.url, autocommit=True) as unseen:
        await unseen.execute(f'LISTEN "{own._hints._channel}"')  # type: ignore[arg-type]  # a channel's name
        for _ in range(3):
            await publish(own)
            await asyncio.sleep(0.12)
        assert [each.payload async for each in unseen.notifies(timeout=0.2)] == []


async def test_hints_are_few_however_much_is_published(own: PostgresBroker, postgres_server: PostgresServer) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_server.url, autocommit=True) as listening:
        await listen(listening, own._hints._channel)
        began = SYSTEM_CLOCK.monotonic()
        for _ in range(100):
            await publish(own)
        lasted = SYSTEM_CLOCK.monotonic() - began
        await asyncio.sleep(0.15)
        heard = [each.payload async for each in listening.notifies(timeout=0.2)]
    assert set(heard) == {"q q"}
    assert 1 <= len(heard) <= lasted / 0.1 + 2


@pytest.mark.usefixtures("nobody_looks")
async def test_events_wake_only_who_wants_to_hear_of_them(own: PostgresBroker, postgres_server: PostgresServer) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_server.url, autocommit=True) as listening:
        await listen(listening, own._hints._channel)
        reading = asyncio.ensure_future(own.read({EVENTS_TOPIC: FROM_NOW, "control": FROM_NOW}, 10, DEADLINE))
        await asyncio.sleep(0.2)
        await own.append(EVENTS_TOPIC, [b"x"])
        async with asyncio.timeout(DEADLINE / 2):
            assert [message.body for message in await reading] == [b"x"]
        await publish(own)
        heard = [each.payload async for each in listening.notifies(timeout=DEADLINE, stop_after=1)]
    assert heard == ["q q"]


@pytest.mark.usefixtures("nobody_looks")
async def test_a_listening_connection_that_is_cut_is_made_anew(
    own: PostgresBroker, postgres_server: PostgresServer
) -> None:
    its_lock = f"(classid::bigint << 32) | objid::bigint = hashtextextended('{own._hints._channel}', 0)"
    find = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND {its_lock}"
    waiting = asyncio.ensure_future(take(own, wait=20.0))
    cut: set[object] = set()

    async def listens_anew() -> set[object]:
        return {pid for (pid,) in await asyncio.to_thread(ask, postgres_server, find)} - cut

    for _ in range(2):
        cut |= await until_true(listens_anew)
        ask(postgres_server, f"SELECT pg_terminate_backend(pid) FROM ({find}) AS found")
    await until_true(listens_anew)
    assert not waiting.done()
    await publish(own)
    async with asyncio.timeout(DEADLINE / 2):
        assert len(await waiting) == 1


async def test_who_waits_hardly_asks(private_postgres: PostgresServer, namespace: str) -> None:
    count = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'"
    async with await PostgresBroker.connect(private_postgres.url, namespace) as broker:
        waiting = asyncio.ensure_future(take(broker, wait=20.0))
        reading = asyncio.ensure_future(broker.read({"t": FROM_NOW}, 10, 20.0))
        await asyncio.sleep(1.5)
        ((before,),) = ask(private_postgres, count)
        await asyncio.sleep(3.0)
        ((after,),) = ask(private_postgres, count)
        broker.interrupt("w1")
        reading.cancel()
        await asyncio.gather(waiting, reading, return_exceptions=True)
    assert int(after) - int(before) < 30  # type: ignore[call-overload]  # numbers


async def test_a_drained_queue_leaves_nothing_behind(private_postgres: PostgresServer) -> None:
    async with await PostgresBroker.connect(private_postgres.url) as broker:
        await publish(broker, 20)
        await publish(broker, 20, delay=0.01)
        await broker.append("t", [b"x"], ttl=0.01)
        held: list[Delivery] = []
        while len(held) < 40:
            await broker.upkeep(["q"])
            held += await take(broker, wait=0.05)
        await broker.begin(held)
        await settle(broker, held[:20], record=None)
        await settle(broker, held[20:30], Outcome.DEAD, record_ttl=0.01)
        await settle(broker, held[30:], Outcome.REVOKED, record_ttl=0.01)
        await broker.purge("q", [delivery.id for delivery in held])

        async def nothing_is_left() -> bool:
            await broker._postgres.run("sweep", {"most": 1000, "marker_life": 0.0})
            return not any(ask(private_postgres, f"SELECT 1 FROM stem.{table} LIMIT 1") for table in _EMPTIED)

        await until(nothing_is_left)


async def test_emptied_tables_are_used_on(broker: Broker, private_postgres: PostgresServer) -> None:
    await publish(broker, 3)
    held = await take(broker, 1)
    ask(private_postgres, "TRUNCATE stem.queues, stem.jobs, stem.records, stem.counters, stem.markers")
    assert await settle(broker, held) == [Settled.GONE]
    assert await take(broker) == []
    await publish(broker, 2)
    assert len(await take(broker)) == 2
    assert conserved(await stats(broker))


async def test_text_that_postgres_does_not_take_is_settled_all_the_same(own: PostgresBroker) -> None:
    await publish(own)
    held = await take(own)
    assert await settle(own, held, Outcome.DEAD, error="zero \0 and half \ud83d") == [Settled.COMMITTED]
    ((letter,), _) = await own.dead("q", 1)
    assert letter.error.startswith("zero")


async def test_every_error_is_the_ports_own(broker: Broker, private_postgres: PostgresServer) -> None:
    await publish(broker)
    ask(private_postgres, "DROP SCHEMA stem CASCADE")
    for call in (
        publish(broker),
        take(broker),
        stats(broker),
        broker.upkeep(["q"]),
        broker.read({"t": FROM_START}, 1, 0),
    ):
        with pytest.raises(BrokerError) as caught:
            await call
        assert isinstance(caught.value, StemError)
