"""Postgres behind PgBouncer."""

from __future__ import annotations

import asyncio
import time

import pytest

from stem_core.delivery import Settled
from stem_core.errors import ConfigurationError
from stem_core.stores import connect_backend, connect_broker
from stem_core.testing.contract.harness import publish, settle, take
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


async def test_a_pooler_that_leaves_sessions_alone_will_do(postgres_server: PostgresServer, namespace: str) -> None:
    with PgBouncer(postgres_server.port, "session") as pooler:
        async with await connect_broker(pooler.url, namespace=namespace) as broker:
            waiting = asyncio.ensure_future(take(broker, wait=10.0))
            await asyncio.sleep(0.2)
            began = time.monotonic()
            await publish(broker)
            held = await waiting
            assert time.monotonic() - began < 0.5  # the hint was heard: who only looks does so once a second
            assert await asyncio.to_thread(broker.renew, held) == [True]
            assert await settle(broker, held) == [Settled.COMMITTED]
