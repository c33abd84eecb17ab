"""What holds when a server, or the way to it, fails: the same on each kind of server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TypeAlias

import pytest

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Settled
from stem_core.errors import BrokerUnavailableError
from stem_core.stores import connect_broker
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import DEADLINE, job, publish, settle, stats, take, until
from tests.postgres_server import PostgresServer
from tests.servers import RedisServer
from tests.stores.proxy import Proxy

BUSY = 3.0
"""Seconds that a busy machine may add to what takes a known time."""

Server: TypeAlias = RedisServer | PostgresServer

KINDS = [
    pytest.param("redis", id="valkey", marks=pytest.mark.redis),
    pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of server in turn."""
    return str(request.param)


@pytest.fixture
def shared(kind: str, request: pytest.FixtureRequest) -> Server:
    """A server that all tests share."""
    server: Server = request.getfixturevalue(f"{kind}_server")
    return server


@pytest.fixture
def private(kind: str, request: pytest.FixtureRequest) -> Server:
    """A server for one test alone, which may kill it; what it was told to keep outlives it."""
    server: Server = request.getfixturevalue(f"private_{kind}")
    return server


@pytest.fixture
async def broker(private: Server) -> AsyncIterator[Broker]:
    async with await connect_broker(private.url, lease=0.3) as broker:
        yield broker


@pytest.fixture
async def direct(shared: Server, namespace: str) -> AsyncIterator[Broker]:
    """A broker on the shared server."""
    async with await connect_broker(shared.url, namespace=namespace) as broker:
        yield broker


@pytest.fixture
async def proxy(shared: Server) -> AsyncIterator[Proxy]:
    async with Proxy(shared.port) as proxy:
        yield proxy


@pytest.fixture
async def shaky(proxy: Proxy, shared: Server, namespace: str) -> AsyncIterator[Broker]:
    """A broker behind a link that can be cut; the server knows its scripts, so that a cut call did its work."""
    url = shared.url.replace(f":{shared.port}", f":{proxy.port}")
    async with await connect_broker(url, namespace=namespace) as broker:
        await publish(broker, queue="before")
        await settle(broker, await take(broker, queues=("before",)))
        yield broker


def requests_with(word: str, times: int = 1) -> Callable[[bytes], bool]:
    """Return a test of requests: true for the first few that contain this."""
    left = [times]

    def is_one(request: bytes) -> bool:
        if not left[0] or word.encode() not in request:
            return False
        left[0] -= 1
        return True

    return is_one


async def test_nothing_is_lost_when_the_server_is_killed_and_comes_back(broker: Broker, private: Server) -> None:
    ids = await publish(broker, 20)
    delayed = await publish(broker, 3, delay=0.2)
    held = await take(broker, 5)
    await asyncio.to_thread(private.restart)
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


async def test_a_waiting_fetch_reports_the_death_of_the_server_and_works_soon_after_it(
    broker: Broker, private: Server
) -> None:
    waiting = asyncio.ensure_future(take(broker, wait=10.0))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(private.kill)
    async with asyncio.timeout(DEADLINE / 2):
        with pytest.raises(BrokerUnavailableError):
            await waiting
    for call in (publish(broker), stats(broker), take(broker), broker.queues()):
        with pytest.raises(BrokerUnavailableError):
            await call
    waiting = asyncio.ensure_future(again_and_again(broker))
    await asyncio.to_thread(private.start)
    back = SYSTEM_CLOCK.monotonic()
    await publish(broker)
    assert len(await waiting) == 1
    assert SYSTEM_CLOCK.monotonic() - back < 2.0 + BUSY


async def again_and_again(broker: Broker) -> list[object]:
    while True:
        with suppress(BrokerUnavailableError):
            if found := await take(broker, wait=1.0):
                return list(found)
        await asyncio.sleep(0.05)


async def test_a_frozen_server_is_reported_and_used_again(broker: Broker, private: Server) -> None:
    private.freeze()
    try:
        async with asyncio.timeout(DEADLINE + BUSY):
            with pytest.raises(BrokerUnavailableError):
                await stats(broker)
    finally:
        private.thaw()
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
    shaky: Broker, proxy: Proxy, direct: Broker
) -> None:
    sealed = job()
    proxy.cut_reply_to = requests_with(sealed.id)
    publishing = asyncio.ensure_future(shaky.publish([sealed]))
    held = await take(direct, wait=5.0)
    await settle(direct, held, record=None)
    await publishing
    assert proxy.cuts == 1
    assert await take(direct) == []


async def test_a_lost_reply_to_fetch_loses_no_job(shaky: Broker, proxy: Proxy) -> None:
    ids = await publish(shaky, 10)
    first = await take(shaky, 3, "the-owner")
    proxy.cut_reply_to = requests_with("the-owner")
    with pytest.raises(BrokerUnavailableError):
        await take(shaky, 4, "the-owner")
    recovered = []

    async def all_recovered() -> bool:
        recovered.extend(await take(shaky, 4 - len(recovered), "the-owner"))
        return len(recovered) == 4

    await until(all_recovered)
    assert [delivery.id for delivery in first + recovered] == ids[:7]
    assert [delivery.deliveries for delivery in recovered] == [1] * 4
    assert [delivery.id for delivery in await take(shaky, 10, "the-owner")] == ids[7:]
    assert set(await settle(shaky, first + recovered)) == {Settled.COMMITTED}


async def test_a_lost_reply_to_settle_may_be_sent_again(shaky: Broker, proxy: Proxy) -> None:
    await publish(shaky, 5)
    held = await take(shaky)
    proxy.cut_reply_to = requests_with(held[0].id)
    with pytest.raises(BrokerUnavailableError):
        await settle(shaky, held)

    async def was_settled() -> bool:
        return (await stats(shaky)).succeeded == 5

    await until(was_settled)
    assert await settle(shaky, held) == [Settled.GONE] * 5
    assert (await stats(shaky)).succeeded == 5


async def test_cancelled_calls_never_mix_up_replies(direct: Broker) -> None:
    await publish(direct, 3)
    for number in range(60):
        call = asyncio.ensure_future(stats(direct))
        for _ in range(number % 6):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert await direct.queues() == ["q"]
        assert (await stats(direct)).ready == 3
