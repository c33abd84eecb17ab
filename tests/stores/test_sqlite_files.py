"""Which files are accepted as stores, and what is said of the others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import apsw
import pytest

from stem_core.errors import BrokerError, BrokerUnavailableError, ConfigurationError, UsageError
from stem_core.stores import connect_backend, connect_broker
from stem_core.stores.port import KeptRecord
from stem_core.stores.sqlite import SqliteBroker, SqliteResultBackend
from stem_core.stores.sqlite.address import Address, parse_address
from stem_core.stores.sqlite.checks import Mount, check_place, file_system
from stem_core.testing.contract.harness import publish, settle, stats, take


async def refused(url: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await connect_broker(url)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///srv/jobs.db", "/srv/jobs.db"),
        ("sqlite:////srv/jobs.db", "/srv/jobs.db"),
        ("SQLITE:///srv/../srv/jobs.db", "/srv/jobs.db"),
        ("sqlite:///srv/a%20b%3F.db", "/srv/a b?.db"),
        ("sqlite:///srv/jobs.db?synchronous=full", "/srv/jobs.db"),
    ],
)
def test_a_url_names_an_absolute_file(url: str, path: str) -> None:
    assert parse_address(url).path == Path(path)


@pytest.mark.parametrize("path", ["/srv/jobs.db", "/srv/a b?#%.db"])
def test_a_file_has_one_url_that_leads_back_to_it(path: str) -> None:
    address = Address(Path(path))
    assert parse_address(address.url) == address


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("sqlite://jobs.db", "absolute"),
        ("sqlite://./jobs.db", "absolute"),
        ("sqlite://host/srv/jobs.db", "absolute"),
        ("sqlite:///:memory:", "memory://"),
        ("sqlite://:memory:", "memory://"),
        ("sqlite:///srv/a#b.db", "%23"),
        ("sqlite:///srv/jobs.db?mode=ro", "'mode'"),
        ("sqlite:///srv/jobs.db?synchronous=off", "normal or full"),
        ("sqlite:///srv/a%00b", "NUL"),
    ],
)
async def test_a_url_that_names_no_file_says_what_would(url: str, word: str) -> None:
    assert word in await refused(url)


@pytest.mark.parametrize(
    "url", ["sqlite://ann:canary@h/a.db", "sqlite:///a.db?password=canary", "sqlite://a:canary#@h"]
)
def test_a_password_that_a_url_should_not_have_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\*\*\*") as caught:
        parse_address(url)
    assert "canary" not in str(caught.value)


async def test_without_a_path_it_is_the_users_own_file_which_nobody_else_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    async with await SqliteBroker.connect("sqlite://") as broker, await SqliteBroker.connect("sqlite://") as other:
        await publish(broker)
        assert len(await take(other)) == 1
        files = list((tmp_path / "data" / "stem").iterdir())
        assert {file.name for file in files} == {"stem.db", "stem.db-wal", "stem.db-shm"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "data" / "stem").stat().st_mode) == 0o700


async def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    said = await refused(f"sqlite://{tmp_path}/missing/stem.db")
    assert f"make {tmp_path}/missing" in said
    assert not (tmp_path / "missing").exists()


async def test_a_directory_is_no_store(tmp_path: Path) -> None:
    assert "no file" in await refused(f"sqlite://{tmp_path}")


async def test_a_file_that_is_no_database_is_named_and_left_alone(sqlite_file: Path, sqlite_url: str) -> None:
    sqlite_file.write_text("these are notes, and not a database. " * 50)
    before = sqlite_file.read_bytes()
    assert "no SQLite database" in await refused(sqlite_url)
    assert sqlite_file.read_bytes() == before


async def test_a_database_of_another_program_is_named_and_left_alone(sqlite_file: Path, sqlite_url: str) -> None:
    connection = apsw.Connection(str(sqlite_file))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = sqlite_file.read_bytes()
    assert "another program" in await refused(sqlite_url)
    assert sqlite_file.read_bytes() == before


async def test_a_file_of_a_later_version_is_named(sqlite_file: Path, sqlite_url: str) -> None:
    await (await SqliteBroker.connect(sqlite_url)).close()
    connection = apsw.Connection(str(sqlite_file))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    said = await refused(sqlite_url)
    assert "99" in said
    assert "update" in said


async def test_a_file_that_may_not_be_written_is_named(
    sqlite_file: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_file.touch()
    # Root may write anything, so that it is the answer of the system that is put in place.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != sqlite_file or not mode & os.W_OK)
    assert "cannot be read and written" in await refused(sqlite_url)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) == sqlite_file)
    assert "two more files" in await refused(sqlite_url)


async def test_what_sqlite_itself_finds_to_be_read_only_is_the_operators_to_mend(
    sqlite_url: str, namespace: str
) -> None:
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        await broker._store.write(lambda transaction: transaction.rows("PRAGMA query_only = 1"))
        with pytest.raises(BrokerError, match="cannot be written"):
            await publish(broker)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", "NFS"])
def test_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = [Mount("/", "ext4"), Mount(str(tmp_path), kind), Mount(f"{tmp_path}-other", "ext4")]
    with pytest.raises(ConfigurationError, match="network file system") as caught:
        check_place(Address(tmp_path / "stem.db"), lambda: mounts)
    assert kind.lower() in str(caught.value)
    assert not (tmp_path / "stem.db").exists()


def test_a_local_file_system_is_found_beneath_a_network_one() -> None:
    mounts = [Mount("/", "ext4"), Mount("/net", "nfs"), Mount("/net/local", "xfs"), Mount("/", "btrfs")]
    assert file_system(Path("/net/local/stem.db"), mounts) == "xfs"
    assert file_system(Path("/net/locality/stem.db"), mounts) == "nfs"
    assert file_system(Path("/srv/stem.db"), mounts) == "btrfs"
    assert file_system(Path("/srv/stem.db"), []) == ""


async def test_the_lease_is_a_setting_of_the_namespace(sqlite_url: str, namespace: str) -> None:
    leases = []
    for wanted in (None, 3.5, None):
        async with await SqliteBroker.connect(sqlite_url, namespace, wanted) as broker:
            leases.append(await broker.lease())
    assert leases == [15.0, 3.5, 3.5]
    with pytest.raises(ConfigurationError, match="lease"):
        await SqliteBroker.connect(sqlite_url, namespace, 0.0)


@pytest.mark.parametrize(("query", "level"), [("", 1), ("?synchronous=normal", 1), ("?synchronous=FULL", 2)])
async def test_a_store_waits_for_the_disk_at_each_commit_if_told_to(sqlite_url: str, query: str, level: int) -> None:
    async with await SqliteBroker.connect(sqlite_url + query) as broker:
        assert await broker._store.write(lambda transaction: transaction.value("PRAGMA synchronous")) == level


async def test_two_namespaces_of_a_file_share_nothing(sqlite_url: str) -> None:
    async with await SqliteBroker.connect(sqlite_url, "a") as one, await SqliteBroker.connect(sqlite_url, "b") as two:
        (task_id,) = await publish(one)
        await one.announce("w1", b"", 10.0)
        assert (await take(two), await two.queues(), await two.presences()) == ([], [], [])
        assert await two.locate([task_id]) == [None]
        await settle(one, await take(one))
        assert await two.results().get([task_id]) == [None]
        assert (await stats(two)).succeeded == 0


async def test_broker_and_backend_of_one_file_are_one_store(sqlite_url: str, tmp_path: Path, namespace: str) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "stem.db")
    async with (
        await SqliteBroker.connect(sqlite_url, namespace) as broker,
        await SqliteResultBackend.connect(f"sqlite://{tmp_path}/link.db?synchronous=full", namespace) as same,
        await SqliteResultBackend.connect(f"sqlite://{tmp_path}/other.db", namespace) as other,
    ):
        assert same.location == broker.location
        assert other.location != broker.location
        (task_id,) = await publish(broker)
        await settle(broker, await take(broker))
        assert (await same.get([task_id]))[0] is not None
        assert await other.get([task_id]) == [None]
        assert await other.put([KeptRecord(task_id, "q", b"{}", 10.0, 1)]) == [True]
        assert await other.get([task_id]) == [b"{}"]
    backend = await connect_backend(sqlite_url, namespace=namespace)
    assert (await backend.get([task_id]))[0] is not None
    await backend.close()


async def test_a_file_that_was_removed_is_begun_anew(sqlite_file: Path, sqlite_url: str, namespace: str) -> None:
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        await publish(broker, 3)
        sqlite_file.unlink()
        assert (await stats(broker)).ready == 0
        (task_id,) = await publish(broker)
        async with await SqliteBroker.connect(sqlite_url, namespace) as other:
            assert [delivery.id for delivery in await take(other)] == [task_id]


async def test_a_directory_that_vanishes_is_an_outage_and_not_the_end(tmp_path: Path, namespace: str) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    async with await SqliteBroker.connect(f"sqlite://{folder}/stem.db", namespace) as broker:
        folder.rename(tmp_path / "away")
        for call in (publish(broker), take(broker), stats(broker)):
            with pytest.raises(BrokerUnavailableError):
                await call
        (tmp_path / "away").rename(folder)
        await publish(broker)
        assert len(await take(broker)) == 1


async def test_closing_twice_is_once_and_later_calls_say_so(sqlite_url: str, namespace: str) -> None:
    broker = await SqliteBroker.connect(sqlite_url, namespace)
    await publish(broker)
    await broker.close()
    await broker.close()
    for call in (publish(broker), take(broker), stats(broker)):
        with pytest.raises(BrokerUnavailableError, match="closed"):
            await call


async def test_a_store_belongs_to_the_process_that_opened_it(
    sqlite_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        with monkeypatch.context() as forked:
            forked.setattr(os, "getpid", lambda: -1)
            with pytest.raises(UsageError, match="fork"):
                await publish(broker)
        await publish(broker)
