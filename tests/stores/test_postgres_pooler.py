"""Postgres behind PgBouncer."""

from __future__ import annotations

import asyncio

import pytest

from stem_core.delivery import Settled
from stem_core.errors import ConfigurationError
from stem_core.stores import connect_backend, connect_broker
from stem_core.testing.contract.harness import DEADLINE, publish, settle, take
from tests.pgbouncer import PgBouncer
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("connect", [connect_broker, connect_backend])
async def test_a_pooler_that_shares_sessions_is_refused_in_one_line(
    postgres_server: PostgresServer, namespace: str, connect: type
) -> None:
    pooler = PgBouncer(postgres_server.port, "transaction")
    with pooler, pytest.raises(ConfigurationError, match="pool_mode=transaction") as caught:
        await connect(pooler.url, namespace=namespace)
    assert "use the address of Postgres itself, or pool_mode=session" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_it_is_noticed_although_others_use_the_pooler(postgres_server: PostgresServer, namespace: str) -> None:
    with PgBouncer(postgres_server.port, "transaction") as pooler:
        tries = [connect_broker(pooler.url, namespace=namespace) for _ in range(8)]
        told = await asyncio.gather(*tries, return_exceptions=True)
    assert {type(each) for each in told} == {ConfigurationError}


async def test_a_pooler_that_leaves_sessions_alone_will_do(
    postgres_server: PostgresServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stem_core.stores.postgres.queues._POLL", 3600.0)  # who does not hear the hint finds nothing
    with PgBouncer(postgres_server.port, "session") as pooler:
        async with await connect_broker(pooler.url, namespace=namespace) as broker:
            waiting = asyncio.ensure_future(take(broker, wait=DEADLINE))
            await asyncio.sleep(0.2)
            await publish(broker)
            async with asyncio.timeout(DEADLINE / 2):
                held = await waiting
            assert await asyncio.to_thread(broker.renew, held) == [True]
            assert await settle(broker, held) == [Settled.COMMITTED]
