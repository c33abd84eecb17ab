"""What holds when Postgres, or the way to it, fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import psycopg
import pytest

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Outcome, Settled
from stem_core.errors import BrokerError, BrokerUnavailableError, StemError
from stem_core.stores.port import FROM_NOW, FROM_START, Broker
from stem_core.stores.postgres import PostgresBroker
from stem_core.testing.contract.harness import conserved, job, outcome, publish, settle, stats, take, until
from tests.postgres_server import PostgresServer
from tests.stores.proxy import Proxy

pytestmark = pytest.mark.postgres


@pytest.fixture
async def broker(private_postgres: PostgresServer) -> AsyncIterator[Broker]:
    async with await PostgresBroker.connect(private_postgres.url, lease=0.3) as broker:
        yield broker


@pytest.fixture
async def proxy(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    async with Proxy(postgres_server.port) as proxy:
        yield proxy


@pytest.fixture
async def shaky(proxy: Proxy, namespace: str) -> AsyncIterator[Broker]:
    """A broker behind a link that can be cut."""
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
    async with await PostgresBroker.connect(url, namespace) as broker:
        yield broker


@pytest.fixture
async def own(postgres_server: PostgresServer, namespace: str) -> AsyncIterator[PostgresBroker]:
    """A broker on the server that all tests share."""
    async with await PostgresBroker.connect(postgres_server.url, namespace) as broker:
        yield broker


def requests_with(*words: str, times: int = 1) -> Callable[[bytes], bool]:
    """Return a test of requests: true for the first few that contain all these words."""
    left = [times]

    def is_one(request: bytes) -> bool:
        if not left[0] or not all(word.encode() in request for word in words):
            return False
        left[0] -= 1
        return True

    return is_one


def ask(server: PostgresServer, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url, autocommit=True) as admin:
        cursor = admin.execute(statement)  # type: ignore[arg-type]  # the tests' own words
        return cursor.fetchall() if cursor.description else []


async def test_nothing_is_lost_when_the_server_is_killed_and_comes_back(
    broker: Broker, private_postgres: PostgresServer
) -> None:
    ids = await publish(broker, 20)
    delayed = await publish(broker, 3, delay=0.2)
    held = await take(broker, 5)
    await broker.append("t", [b"frame"])
    await asyncio.to_thread(private_postgres.restart)
    assert await asyncio.to_thread(broker.renew, held) == [True] * 5
    answers: list[Settled] = []

    async def all_settled() -> bool:
        # A call may still meet a connection of before, and say so; a worker tries again.
        with suppress(BrokerUnavailableError):
            answers.extend(await settle(broker, held))
        return bool(answers)

    await until(all_settled)
    assert answers == [Settled.COMMITTED] * 5
    rest: list[str] = []

    async def all_found() -> bool:
        await broker.upkeep(["q"])
        found = await take(broker)
        await settle(broker, found)
        rest.extend(delivery.id for delivery in found)
        return len(rest) == 18

    await until(all_found)
    assert sorted(rest) == sorted([*ids[5:], *delayed])
    assert (await stats(broker)).succeeded == 23


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


async def test_a_waiting_fetch_reports_the_death_of_the_server_and_works_soon_after_it(
    broker: Broker, private_postgres: PostgresServer
) -> None:
    waiting = asyncio.ensure_future(take(broker, wait=10.0))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(private_postgres.kill)
    async with asyncio.timeout(3.0):
        with pytest.raises(BrokerUnavailableError):
            await waiting
    for call in (publish(broker), stats(broker), take(broker), broker.queues()):
        with pytest.raises(BrokerUnavailableError):
            await call
    waiting = asyncio.ensure_future(again_and_again(broker))
    await asyncio.to_thread(private_postgres.start)
    back = SYSTEM_CLOCK.monotonic()
    await publish(broker)
    assert await waiting == 1
    assert SYSTEM_CLOCK.monotonic() - back < 2.0


async def again_and_again(broker: Broker) -> int:
    while True:
        try:
            if found := await take(broker, wait=1.0):
                return len(found)
        except BrokerUnavailableError:
            await asyncio.sleep(0.05)


async def test_a_frozen_server_is_reported_and_used_again(broker: Broker, private_postgres: PostgresServer) -> None:
    held = await take(broker)
    private_postgres.freeze()
    try:
        async with asyncio.timeout(8.0):
            with pytest.raises(BrokerUnavailableError):
                await stats(broker)
    finally:
        private_postgres.thaw()
    assert held == []
    await publish(broker)
    assert len(await take(broker)) == 1


async def test_a_lost_reply_to_publish_adds_nothing_twice(shaky: Broker, proxy: Proxy) -> None:
    batch = [job() for _ in range(10)]
    proxy.cut_reply_to = requests_with(batch[0].id, times=3)
    await shaky.publish(batch)
    assert proxy.cuts == 3
    assert (await stats(shaky)).published == 10
    assert [delivery.id for delivery in await take(shaky)] == [one.id for one in batch]


async def test_a_lost_reply_to_publish_is_safe_even_if_the_jobs_ended_meanwhile(
    shaky: Broker, proxy: Proxy, own: PostgresBroker
) -> None:
    sealed = job()
    proxy.cut_reply_to = requests_with(sealed.id)
    publishing = asyncio.ensure_future(shaky.publish([sealed]))
    held = await take(own, wait=5.0)
    await settle(own, held, record=None)
    await publishing
    assert proxy.cuts == 1
    assert await take(own) == []


async def test_a_lost_reply_to_fetch_loses_no_job(shaky: Broker, proxy: Proxy) -> None:
    ids = await publish(shaky, 10)
    first = await take(shaky, 3, "the-owner")
    proxy.cut_reply_to = requests_with("the-owner")
    with pytest.raises(BrokerUnavailableError):
        await take(shaky, 4, "the-owner")
    recovered: list[str] = []

    async def all_recovered() -> bool:
        recovered.extend(delivery.id for delivery in await take(shaky, 4 - len(recovered), "the-owner"))
        return len(recovered) == 4

    await until(all_recovered)
    assert [delivery.id for delivery in first] + recovered == ids[:7]
    assert [delivery.id for delivery in await take(shaky, 10, "the-owner")] == ids[7:]


async def test_a_lost_reply_to_settle_may_be_sent_again(shaky: Broker, proxy: Proxy) -> None:
    await publish(shaky, 5)
    held = await take(shaky)
    proxy.cut_reply_to = requests_with(held[0].id, "succeeded")
    with pytest.raises(BrokerUnavailableError):
        await settle(shaky, held)

    async def was_settled() -> bool:
        return (await stats(shaky)).succeeded == 5

    await until(was_settled)
    assert await settle(shaky, held) == [Settled.GONE] * 5
    assert (await stats(shaky)).succeeded == 5


async def test_cancelled_calls_never_mix_up_replies(own: PostgresBroker) -> None:
    await publish(own, 3)
    for number in range(60):
        call = asyncio.ensure_future(stats(own))
        for _ in range(number % 6):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert await own.queues() == ["q"]
        assert (await stats(own)).ready == 3


async def test_what_a_cancelled_call_sent_takes_effect_before_it_returns(
    own: PostgresBroker, postgres_server: PostgresServer
) -> None:
    await own.ping()
    async with await psycopg.AsyncConnection.connect(postgres_server.url) as blocking:
        await blocking.execute("LOCK TABLE stem.workers IN EXCLUSIVE MODE")
        call = asyncio.ensure_future(own.announce("w1", b"", 10.0))
        await asyncio.sleep(0.1)
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
        async with asyncio.timeout(2.5):
            assert len(await working) == len(await reading) == 1


async def test_hints_are_few_however_much_is_published(own: PostgresBroker, postgres_server: PostgresServer) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_server.url, autocommit=True) as listening:
        await listening.execute(f'LISTEN "{own._hints._channel}"')  # type: ignore[arg-type]  # a channel's name
        began = SYSTEM_CLOCK.monotonic()
        for _ in range(100):
            await publish(own)
        lasted = SYSTEM_CLOCK.monotonic() - began
        await asyncio.sleep(0.15)
        heard = [each.payload async for each in listening.notifies(timeout=0.2)]
    assert set(heard) == {"q q"}
    assert 1 <= len(heard) <= lasted / 0.1 + 2


async def test_a_listening_connection_that_is_cut_is_made_anew(
    own: PostgresBroker, postgres_server: PostgresServer
) -> None:
    find = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    waiting = asyncio.ensure_future(take(own, wait=20.0))

    async def listens() -> bool:
        return len(await asyncio.to_thread(ask, postgres_server, find)) > 0

    for _ in range(2):
        await until(listens)
        ask(postgres_server, f"SELECT pg_terminate_backend(pid) FROM ({find}) AS found")
    await until(listens)
    assert not waiting.done()
    await publish(own)
    async with asyncio.timeout(0.7):
        assert len(await waiting) == 1


async def test_who_waits_hardly_asks(own: PostgresBroker, postgres_server: PostgresServer) -> None:
    count = (
        "SELECT sum(calls) FROM (SELECT xact_commit AS calls FROM pg_stat_database WHERE datname = 'postgres') AS one"
    )
    waiting = asyncio.ensure_future(take(own, wait=20.0))
    reading = asyncio.ensure_future(own.read({"t": FROM_NOW}, 10, 20.0))
    await asyncio.sleep(1.5)
    ((before,),) = ask(postgres_server, count)
    await asyncio.sleep(3.0)
    ((after,),) = ask(postgres_server, count)
    own.interrupt("w1")
    reading.cancel()
    await asyncio.gather(waiting, reading, return_exceptions=True)
    assert int(after) - int(before) < 30  # type: ignore[call-overload]  # numbers


async def test_a_drained_queue_leaves_nothing_behind(own: PostgresBroker, postgres_server: PostgresServer) -> None:
    await publish(own, 20)
    await publish(own, 20, delay=0.01)
    await own.append("t", [b"x"], ttl=0.01)
    await asyncio.sleep(0.05)
    await own.upkeep(["q"])
    held = await take(own)
    assert len(held) == 40
    await own.begin(held)
    await settle(own, held[:20], record=None)
    await settle(own, held[20:30], Outcome.DEAD, record_ttl=0.01)
    await settle(own, held[30:], Outcome.REVOKED, record_ttl=0.01)
    await own.purge("q", [delivery.id for delivery in held])
    await asyncio.sleep(0.05)
    await own._postgres.run("sweep", {"most": 1000, "marker_life": 0.0})
    space = own._space
    for table in ("jobs", "records", "workers", "topics", "revocations"):
        assert ask(postgres_server, f"SELECT count(*) FROM stem.{table} WHERE namespace = {space}") == [(0,)]
    left = f"SELECT count(*) FROM stem.letters WHERE queue IN (SELECT id FROM stem.queues WHERE namespace = {space})"
    assert ask(postgres_server, left) == [(0,)]
    assert ask(
        postgres_server, "SELECT count(*) FROM stem.entries WHERE topic NOT IN (SELECT id FROM stem.topics)"
    ) == [(0,)]
    assert ask(postgres_server, "SELECT count(*) FROM stem.markers") == [(0,)]


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
