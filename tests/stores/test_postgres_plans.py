"""How Postgres goes about what is asked often, though its statistics are of queues as they were."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from psycopg import sql

from stem_core.delivery import Outcome
from stem_core.stores.postgres import PostgresBroker
from stem_core.stores.postgres.connection import _SETTINGS
from stem_core.stores.postgres.statements import statement
from stem_core.testing.contract.harness import publish, settle, take
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("analyzed", [False, True], ids=["never-analyzed", "analyzed-when-small"])
async def test_each_job_is_looked_up_by_its_key_whatever_the_statistics_say(
    postgres_server: PostgresServer, namespace: str, monkeypatch: pytest.MonkeyPatch, *, analyzed: bool
) -> None:
    asked: dict[str, Mapping[str, object]] = {}
    async with await PostgresBroker.connect(f"{postgres_server.url}?schema={namespace}") as broker:
        run = broker._postgres.run

        async def noted(name: str, parameters: Mapping[str, object]) -> Any:
            asked[name] = parameters
            return await run(name, parameters)

        monkeypatch.setattr(broker._postgres, "run", noted)
        with psycopg.connect(postgres_server.url, autocommit=True) as session:
            session.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(namespace)))
            for name, value in _SETTINGS.items():
                session.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), value))
            await publish(broker, 50)
            if analyzed:
                session.execute("ANALYZE jobs")
            for _ in range(10):
                await publish(broker, 500)
            held = await take(broker, 100)
            await settle(broker, held[:50])
            await settle(broker, held[50:], Outcome.RETRY)
            await broker.upkeep(["q"])
            for name in ("publish", "settle", "put_back", "promote", "reclaim"):
                rows = session.execute(b"EXPLAIN " + statement(name), asked[name]).fetchall()
                plan = "\n".join(line for (line,) in rows)
                lookups = [part.partition("\n")[2] for part in plan.split("using jobs_pkey")[1:]]
                lookups += [part.partition("\n")[2] for part in plan.split("using records_pkey")[1:]]
                assert lookups, plan
                assert all(" AND (id = " in lookup.partition("\n")[0] for lookup in lookups), f"{name}\n{plan}"
                if name in {"settle", "put_back"}:
                    assert "jobs_inflight" not in plan, f"{name}\n{plan}"


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("promote", ["jobs_delayed", "due <= $"]),
        ("reclaim", ["jobs_inflight", "expires <= $"]),
        ("sweep", ["records_expires", "expires <= $"]),
        ("sweep", ["markers_made", "made <= "]),
        ("sweep", ["entries_pkey", "number < CASE"]),
    ],
)
async def test_what_is_not_due_yet_is_not_read(
    postgres_server: PostgresServer, namespace: str, name: str, conditions: list[str]
) -> None:
    index, condition = conditions
    given = {"namespace": 1, "queues": ["q"], "back": 2.0, "most": 100, "marker_life": 300.0}
    async with await PostgresBroker.connect(f"{postgres_server.url}?schema={namespace}"):
        with psycopg.connect(postgres_server.url, autocommit=True) as session:
            session.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(namespace)))
            for setting, value in _SETTINGS.items():
                session.execute(sql.SQL("SET {} = {}").format(sql.Identifier(setting), value))
            rows = session.execute(b"EXPLAIN " + statement(name), given).fetchall()
    plan = "\n".join(line for (line,) in rows)
    searches = [part.partition("\n")[2].partition("\n")[0] for part in plan.split(f"using {index}")[1:]]
    assert any("Index Cond" in search and condition in search for search in searches), plan


async def test_a_burst_of_due_jobs_is_promoted_without_a_pause(postgres_server: PostgresServer, namespace: str) -> None:
    async with await PostgresBroker.connect(postgres_server.url, namespace) as broker:
        await publish(broker, 600, delay=0.01)
        await publish(broker, 1, delay=100.0)
        await asyncio.sleep(0.05)
        rounds = [await broker.upkeep(["q"]) for _ in range(3)]
        assert [done.promoted for done in rounds] == [256, 256, 88]
        assert [done.next_due == 0.0 for done in rounds] == [True, True, False]
