"""Which Postgres servers are accepted, what is made in them, and what is said of the others."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from stem_core.errors import BrokerUnavailableError, ConfigurationError, StemError
from stem_core.stores import connect_backend, connect_broker
from stem_core.stores.port import KeptRecord
from stem_core.stores.postgres import PostgresBroker, PostgresResultBackend
from stem_core.stores.postgres.address import parse_address
from stem_core.testing.contract.harness import publish, settle, take
from tests.postgres_server import PostgresServer
from tests.servers import free_port

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def locked_postgres() -> Iterator[PostgresServer]:
    """A server that asks all but its superuser for a password; `ann` may do nothing in it but log in."""
    server = PostgresServer(access=["host all ann 127.0.0.1/32 scram-sha-256"]).start()
    run(server, "CREATE ROLE ann LOGIN PASSWORD 'right'")
    yield server
    server.remove()


@pytest.fixture
def schema() -> str:
    """A schema that no other test uses."""
    return f"s{uuid.uuid4().hex[:12]}"


def run(server: PostgresServer, *statements: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as admin:
        for statement in statements:
            admin.execute(statement)  # type: ignore[arg-type]  # the tests' own words


def url_of(server: PostgresServer, credentials: str = "postgres", rest: str = "postgres") -> str:
    return f"postgresql://{credentials}@127.0.0.1:{server.port}/{rest}"


async def refused(url: str, kind: type[StemError] = ConfigurationError) -> str:
    with pytest.raises(kind) as caught:
        await connect_broker(url)
    return str(caught.value)


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    for url in ("ann:hunter2@127.0.0.1:{}/db", "127.0.0.1:{}/db?user=ann&password=hunter2"):
        said = await refused(f"postgresql://{url.format(free_port())}", BrokerUnavailableError)
        assert "127.0.0.1" in said
        assert "hunter2" not in said


async def test_a_wrong_password_is_the_operators_to_mend(locked_postgres: PostgresServer) -> None:
    said = await refused(url_of(locked_postgres, "ann:wrong-one"))
    assert "login" in said
    assert "wrong-one" not in said
    await refused(url_of(locked_postgres, "ann"))
    await refused(url_of(locked_postgres, "nobody-of-that-name"))


async def test_a_database_that_does_not_exist_is_named(postgres_server: PostgresServer) -> None:
    said = await refused(url_of(postgres_server, rest="nowhere"))
    assert "no such database" in said
    assert "nowhere" in said


async def test_who_may_not_make_the_tables_is_told_what_to_grant(locked_postgres: PostgresServer) -> None:
    assert "CREATE" in await refused(url_of(locked_postgres, "ann:right", "postgres?schema=forbidden"))


async def test_who_may_not_make_tables_can_use_those_of_another(locked_postgres: PostgresServer, schema: str) -> None:
    await (await connect_broker(url_of(locked_postgres, rest=f"postgres?schema={schema}"))).close()
    run(
        locked_postgres,
        f"GRANT USAGE ON SCHEMA {schema} TO ann",
        f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO ann",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO ann",
    )
    async with await PostgresBroker.connect(
        url_of(locked_postgres, "ann:right", f"postgres?schema={schema}")
    ) as broker:
        await publish(broker)
        held = await take(broker)
        assert await asyncio.to_thread(broker.renew, held) == [True]
        await settle(broker, held)


async def test_a_server_that_is_no_postgres_is_named() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "protocol" in await refused(f"postgresql://ann@127.0.0.1:{port}/db")


async def test_a_server_that_takes_the_connection_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with asyncio.timeout(8.0):
            await refused(f"postgresql://ann@127.0.0.1:{server.getsockname()[1]}/db", BrokerUnavailableError)


@pytest.mark.parametrize(
    "rest",
    ["h:port/db", "h/db?nonsense=1", "h/db?schema=No-Good", "h/db?schema=pg_mine", "h/db?schema", "h/db?sslmode=odd"],
)
async def test_what_is_no_url_of_a_postgres_is_refused(rest: str) -> None:
    said = await refused(f"postgresql://ann:hunter2@{rest}")
    assert "hunter2" not in said


async def test_a_server_without_tls_is_refused_by_who_insists_on_it(postgres_server: PostgresServer) -> None:
    assert "sslmode" in await refused(url_of(postgres_server, rest="postgres?sslmode=require"))


def test_what_libpq_takes_may_stand_in_the_url() -> None:
    address = parse_address("postgres://ann:x@h:6543/db?sslmode=verify-full&connect_timeout=7&schema=mine")
    assert address.schema == "mine"
    assert {"sslmode=verify-full", "connect_timeout=7", "host=h", "port=6543"} <= set(address.conninfo.split())
    assert address.location == "postgres://ann:***@h:6543/db?sslmode=verify-full&connect_timeout=7&schema=mine"


def test_without_the_driver_the_extra_is_named() -> None:
    code = (
        "import asyncio, sys; sys.modules['psycopg'] = None\n"
        "from stem_core.stores import connect_broker\n"
        "from stem_core.errors import ConfigurationError\n"
        "try: asyncio.run(connect_broker('postgresql://h/db'))\n"
        "except ConfigurationError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said == "a store on Postgres needs the extra: pip install 'stem-tui[postgres]'\n"


async def test_many_may_make_the_tables_at_once(postgres_server: PostgresServer, schema: str) -> None:
    url = url_of(postgres_server, rest=f"postgres?schema={schema}")
    brokers = await asyncio.gather(*(connect_broker(url) for _ in range(8)))
    await publish(brokers[0])
    assert len(await take(brokers[7])) == 1
    for broker in brokers:
        await broker.close()


@pytest.mark.parametrize(("number", "advice"), [(99, "newer Stem"), (0, "schema=")])
async def test_tables_of_another_version_are_refused(
    postgres_server: PostgresServer, schema: str, number: int, advice: str
) -> None:
    url = url_of(postgres_server, rest=f"postgres?schema={schema}")
    await (await connect_broker(url)).close()
    run(postgres_server, f"UPDATE {schema}.version SET number = {number}")
    said = await refused(url)
    assert f"version {number}" in said
    assert advice in said


async def test_tables_of_the_version_before_are_brought_up_to_date_with_what_is_in_them(
    postgres_server: PostgresServer, schema: str
) -> None:
    url = url_of(postgres_server, rest=f"postgres?schema={schema}")
    async with await connect_broker(url) as broker:
        ids = await publish(broker, 3)
        await take(broker, 1)
    run(postgres_server, f"ALTER TABLE {schema}.jobs DROP COLUMN shared; UPDATE {schema}.version SET number = 1")
    user = f"{schema}_user"
    run(postgres_server, f"CREATE USER {user}; GRANT USAGE ON SCHEMA {schema} TO {user}")
    run(postgres_server, f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {user}")
    said = await refused(url_of(postgres_server, user, f"postgres?schema={schema}"))
    assert "version 1, this Stem needs 2" in said
    assert "owner of its tables" in said
    brokers = await asyncio.gather(*(connect_broker(url) for _ in range(4)))
    assert [delivery.id for delivery in await take(brokers[3])] == ids[1:]
    for broker in brokers:
        await broker.close()


async def test_the_lease_is_a_setting_of_the_namespace(postgres_url: str, namespace: str) -> None:
    leases = []
    for wanted in (None, 3.5, None):
        async with await PostgresBroker.connect(postgres_url, namespace, wanted) as broker:
            leases.append(await broker.lease())
    assert leases == [15.0, 3.5, 3.5]
    with pytest.raises(ConfigurationError, match="lease"):
        await PostgresBroker.connect(postgres_url, namespace, 0.0)


async def test_broker_and_backend_of_one_url_are_one_store(postgres_url: str, namespace: str, schema: str) -> None:
    async with (
        await PostgresBroker.connect(postgres_url, namespace) as broker,
        await PostgresResultBackend.connect(postgres_url, namespace) as same,
        await PostgresResultBackend.connect(f"{postgres_url}?schema={schema}", namespace) as other,
    ):
        assert same.location == broker.location
        assert other.location != broker.location
        (task_id,) = await publish(broker)
        await settle(broker, await take(broker))
        assert (await same.get([task_id]))[0] is not None
        assert await other.get([task_id]) == [None]
        await other.put([KeptRecord(task_id, "default", b"{}", 10.0, 1)])
        assert await other.get([task_id]) == [b"{}"]


async def test_both_schemes_lead_here(postgres_url: str, namespace: str) -> None:
    broker = await connect_broker(postgres_url.replace("postgresql://", "postgres://"), namespace=namespace)
    assert isinstance(broker, PostgresBroker)
    await broker.close()
    await (await connect_backend(postgres_url, namespace=namespace)).close()


async def test_two_namespaces_share_nothing(postgres_url: str, namespace: str) -> None:
    async with (
        await PostgresBroker.connect(postgres_url, f"{namespace}a") as one,
        await PostgresBroker.connect(postgres_url, f"{namespace}b") as two,
    ):
        (task_id,) = await publish(one)
        await one.append("t", [b"x"])
        assert await take(two) == []
        assert await two.queues() == []
        assert await two.locate([task_id]) == [None]
        assert await two.read({"t": "0"}, 10, 0.0) == []
        assert len(await take(one)) == 1


async def test_a_server_that_does_not_keep_its_word_is_warned_of(postgres_url: str, namespace: str) -> None:
    async with await PostgresBroker.connect(postgres_url, namespace) as broker:
        assert any("fsync" in warning for warning in broker.warnings)


async def test_closing_twice_is_once_and_needs_no_server(private_postgres: PostgresServer) -> None:
    broker = await PostgresBroker.connect(private_postgres.url)
    await publish(broker)
    await take(broker, wait=0.01)
    private_postgres.kill()
    await broker.close()
    await broker.close()
